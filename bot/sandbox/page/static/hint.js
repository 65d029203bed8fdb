// What the middle of the page says while there is no channel to show.

import { joinGuild, writeToBot } from "./actions.js";
import { button, byId, el, nameOf, refill } from "./dom.js";
import { icon } from "./icons.js";
import { said, t } from "./language.js";
import { on, state } from "./store.js";

/** Connect the hint to the state. */
export function startHint() {
  on("place channel", draw);
}

function draw() {
  const area = byId("hint");
  area.hidden = state.channelId !== null;
  refill(area, ...(area.hidden ? [] : hint()));
}

function hint() {
  if (!state.guild) {
    const words = t("writeTo", { name: state.bot.name });
    const write = button(words, writeToBot, primary("write"));
    return parts("mail", t("noDirects"), t("noDirectsText"), write);
  }
  if (!state.guild.joined) {
    const title = said("invitationTitle", { name: nameOf(state.guild.name) });
    return parts("people", title, t("invitation"), button(t("join"), joinGuild, primary("join")));
  }
  return parts("hash", t("noChannel"), t("noChannelText"), null);
}

function primary(key) {
  return { class: "primary", data: { key } };
}

function parts(sign, title, text, action) {
  return [icon(sign), el("h2", {}, title), el("p", {}, text), action ?? ""];
}
