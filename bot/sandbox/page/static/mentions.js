// Mentions, timestamps and custom emoji: what stands in angle brackets.

import { cssColor, el } from "./dom.js";
import { t } from "./language.js";
import { formatTime } from "./time.js";

const USER = /<@!?(\d{15,20})>/y;
const ROLE = /<@&(\d{15,20})>/y;
const CHANNEL = /<#(\d{15,20})>/y;
const COMMAND = /<\/([^:>]{1,100}):(\d{1,20})>/y;
const TIME = /<t:(-?\d{1,13})(?::([tTdDfFsSR]))?>/y;
const EMOJI = /<a?:(\w{2,32}):(\d{15,20})>/y;
const EVERYONE = /@(everyone|here)\b/y;

const KINDS = [
  [USER, (found, names) => pill(`@${names.user(found[1]) ?? t("somebody")}`)],
  [ROLE, (found, names) => rolePill(names.role(found[1]))],
  [CHANNEL, (found, names) => channelPill(found[1], names)],
  [COMMAND, (found) => pill(`/${found[1]}`)],
  [TIME, (found) => time(Number(found[1]) * 1000, found[2])],
  [EMOJI, (found) => el("span", { title: found[1] }, `:${found[1]}:`)],
  [EVERYONE, (found) => pill(found[0])],
];

/** Return the mention that starts here as [node, length], or null. */
export function mention(text, at, names) {
  for (const [pattern, make] of KINDS) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) return [make(found, names), found[0].length];
  }
  return null;
}

function pill(text) {
  return el("bdi", { class: "pill" }, text);
}

function rolePill(role) {
  const node = pill(`@${role ? role.name : t("deletedRole")}`);
  const color = cssColor(role?.color);
  if (color) node.style.setProperty("--pill", color);
  return node;
}

function channelPill(id, names) {
  const channel = names.channel(id);
  if (!channel) return pill(`#${t("noAccess")}`);
  const props = { type: "button", class: "pill", on: { click: () => names.open(id) } };
  return el("button", props, el("bdi", {}, `#${channel.name}`));
}

function time(moment, style = "f") {
  const instant = new Date(moment);
  const known = !Number.isNaN(instant.getTime());
  const props = { class: "time", title: formatTime(moment, "F"), data: { moment, style } };
  if (known) props.datetime = instant.toISOString();
  return el("time", props, formatTime(moment, style));
}
