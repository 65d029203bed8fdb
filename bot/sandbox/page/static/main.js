// Starts the page: who is there, then the place they were at, then what happens from now on.

import { loadState, openChannel, openRemembered } from "./actions.js";
import { Refusal } from "./api.js";
import { startComposer } from "./composer.js";
import { fillDocument } from "./document.js";
import { openDoorway } from "./doorway.js";
import { byId, el, nameOf } from "./dom.js";
import { channelIcon, isTextChannel } from "./entities.js";
import { startHint } from "./hint.js";
import { t } from "./language.js";
import { startMembers } from "./members.js";
import { startMessages } from "./messages.js";
import { startSidebar } from "./sidebar.js";
import { changed, channel, on, state } from "./store.js";
import { startStream } from "./stream.js";
import { keepRelativeTimes } from "./time.js";

function drawTop() {
  const place = channel();
  const sign = place && !place.with ? el("span", { class: "sign" }, channelIcon(place.type)) : "";
  byId("place").replaceChildren(
    sign,
    nameOf(place?.name ?? state.guild?.name ?? t("directs")),
  );
  byId("topic").textContent = place?.topic ?? "";
  document.title = `${place ? titleOf(place) : t("title")}${state.unread.size ? " •" : ""}`;
}

function titleOf(place) {
  return isTextChannel(place.type) ? `#${place.name}` : place.name;
}

/** Say everything anew, in the language that was just chosen. */
async function redraw() {
  fillDocument();
  if (byId("app").hidden) return;
  changed("guilds");
  changed("place");
  await openChannel(state.channelId);
}

async function start() {
  fillDocument();
  startSidebar();
  startMembers();
  startMessages();
  startComposer();
  startHint();
  on("place channel unread", drawTop);
  on("language", redraw);
  const known = await loadState();
  if (!known) await openDoorway();
  byId("app").hidden = false;
  await openRemembered();
  startStream();
  keepRelativeTimes();
}

start().catch((failure) => {
  if (!(failure instanceof Refusal)) throw failure;
  byId("app").hidden = true;
  document.body.append(el("p", { class: "quiet" }, failure.message));
});
