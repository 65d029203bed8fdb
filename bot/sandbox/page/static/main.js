// Starts the page: who is there, then the place they were at, then what happens from now on.

import { loadState, openRemembered } from "./actions.js";
import { Refusal } from "./api.js";
import { startComposer } from "./composer.js";
import { openDoorway } from "./doorway.js";
import { byId, el, nameOf } from "./dom.js";
import { channelSign } from "./entities.js";
import { startMembers } from "./members.js";
import { startMessages } from "./messages.js";
import { startSidebar } from "./sidebar.js";
import { channel, on, state } from "./store.js";
import { startStream } from "./stream.js";
import { keepRelativeTimes } from "./time.js";

function drawTop() {
  const place = channel();
  const sign = place ? (place.with ? "" : channelSign(place.type)) : "";
  const name = place ? nameOf(place.name) : nameOf(state.guild?.name ?? "Direct messages");
  byId("place").replaceChildren(el("span", { class: "sign", "aria-hidden": "true" }, sign), name);
  byId("topic").textContent = place?.topic ?? "";
  document.title = `${place ? `${sign}${place.name}` : "Simulated Discord"}${state.unread.size ? " •" : ""}`;
}

async function start() {
  startSidebar();
  startMembers();
  startMessages();
  startComposer();
  on("place channel unread", drawTop);
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
