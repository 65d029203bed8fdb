// People, roles and channels to choose from, for selects and command options.

import { get } from "./api.js";
import { among } from "./chooser.js";
import { icon } from "./icons.js";
import { t } from "./language.js";
import { findChannel, findRole, places, state, channel } from "./store.js";

const DIRECT = 1;
const CATEGORY = 4;
const VOICE = [2, 13];
/** The types of channels that are threads. */
export const THREADS = [10, 11, 12];
const MOST = 50;

/** Return the icon before a channel's name. */
export function channelIcon(type) {
  if (VOICE.includes(type)) return icon("speaker");
  if (type === CATEGORY) return icon("folder");
  return icon(THREADS.includes(type) ? "thread" : "hash");
}

/** Whether a channel is one of those that are written with a "#". */
export function isTextChannel(type) {
  return ![CATEGORY, DIRECT, ...VOICE, ...THREADS].includes(type);
}

async function people(text) {
  if (!state.guild)
    return among([state.bot, channel()?.as].filter(Boolean).map(personOption))(text);
  const answer = await get(
    `/guilds/${state.guild.id}/members?query=${encodeURIComponent(text)}`,
  ).catch(() => ({ members: [] }));
  return answer.members.slice(0, MOST).map(personOption);
}

function personOption(person) {
  return { label: person.name, detail: person.bot ? t("botDetail") : person.username, value: person.id };
}

function roles(text) {
  const sorted = [...(state.guild?.roles ?? [])].sort(
    (one, other) => other.position - one.position,
  );
  return among(sorted.map(roleOption))(text);
}

function roleOption(role) {
  return {
    label: `@${role.name.replace(/^@/, "")}`,
    detail: t("roleDetail"),
    value: role.id,
    isRole: true,
  };
}

function channels(types) {
  return (text) => {
    const fitting = places().filter((entry) => !types?.length || types.includes(entry.type));
    return among(fitting.map(channelOption))(text);
  };
}

function channelOption(entry) {
  return { label: entry.name, sign: () => channelIcon(entry.type), value: entry.id };
}

async function mentionables(text) {
  return [...roles(text), ...(await people(text))].slice(0, MOST);
}

/** Return the `load` function for a kind: "user", "role", "mentionable" or "channel". */
export function loadOf(kind, types) {
  return { user: people, role: roles, mentionable: mentionables, channel: channels(types) }[kind];
}

/** Return the option that an id stands for, as a select shows what is chosen already. */
export function optionFor(id, kind, names) {
  if (kind === "channel") return { label: `#${findChannel(id)?.name ?? t("noAccess")}`, value: id };
  const role = kind === "user" ? null : findRole(id);
  return role ? roleOption(role) : { label: names[id] ?? t("somebody"), value: id };
}
