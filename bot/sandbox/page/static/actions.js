// What changes the page's state: loading, opening guilds and channels, joining and leaving.

import { get, post, put } from "./api.js";
import { attempt } from "./notices.js";
import { changed, findChannel, places, state } from "./store.js";

const REMEMBERED = "sandbox-place";

/** Load who the person is and the guilds; returns whether the browser has an account. */
export async function loadState() {
  takeState(await get("/state"));
  return state.visitor !== null;
}

/** Take over an answer of the sandbox about the visitor and the guilds. */
export function takeState(answer) {
  state.visitor = answer.visitor;
  state.bot = answer.bot;
  state.guilds = answer.guilds;
  changed("guilds");
}

/** Open the guild and channel of last time, else the first guild. */
export async function openRemembered() {
  const [guildId, channelId] = (sessionStorage.getItem(REMEMBERED) ?? "").split("/");
  const known = state.guilds.find((entry) => entry.id === guildId);
  const joined = state.guilds.find((entry) => entry.joined);
  const target = known ?? joined ?? state.guilds[0];
  if (guildId === "@me" || !target) await openDirects(channelId);
  else await openGuild(target.id, channelId);
}

/** Open a guild, at a channel if it has that one. */
export async function openGuild(guildId, channelId = null) {
  const guild = await attempt(() => get(`/guilds/${guildId}`));
  if (!guild) return;
  state.guild = guild;
  changed("place");
  await openChannel(bestChannel(channelId)?.id ?? null);
}

/** Return the wanted channel, else the one for all topics, else the first in the list. */
function bestChannel(wanted) {
  const known = places().find((entry) => entry.id === wanted && entry.textual);
  const open = places()
    .filter((entry) => entry.textual && !entry.archived)
    .sort((one, other) => one.position - other.position);
  return known ?? open.find((entry) => entry.name === "general") ?? open[0];
}

/** Load the open guild again, because something about it has changed. */
export async function refreshGuild() {
  if (!state.guild) return;
  const guild = await get(`/guilds/${state.guild.id}`).catch(() => null);
  if (!guild || guild.id !== state.guild?.id) return;
  const wasInside = state.guild.joined;
  state.guild = guild;
  changed("place");
  changed("members");
  if (!findChannel(state.channelId) || wasInside !== guild.joined)
    await openChannel(bestChannel(state.channelId)?.id ?? null);
}

/** Show the direct messages, at a conversation if given. */
export async function openDirects(channelId = null) {
  await loadDirects();
  state.guild = null;
  changed("place");
  await openChannel(findChannel(channelId)?.id ?? state.directs[0]?.id ?? null);
}

/** Load the list of direct conversations. */
export async function loadDirects() {
  const answer = await attempt(() => get("/directs"));
  if (answer) state.directs = answer.channels;
}

/** Open a channel and the commands in it. */
export async function openChannel(channelId) {
  state.channelId = channelId;
  state.unread.delete(channelId);
  state.commands = [];
  sessionStorage.setItem(REMEMBERED, `${state.guild?.id ?? "@me"}/${channelId ?? ""}`);
  changed("channel");
  if (channelId) await loadCommands();
}

/** Load the commands that can be used in the open channel. */
export async function loadCommands() {
  const channelId = state.channelId;
  const answer = await get(`/channels/${channelId}/commands`).catch(() => ({ commands: [] }));
  if (state.channelId !== channelId) return;
  state.commands = answer.commands;
  changed("commands");
}

/** Join the open guild. */
export async function joinGuild() {
  const answer = await attempt(() => post(`/guilds/${state.guild.id}/join`));
  if (!answer) return;
  takeState(answer);
  await openGuild(state.guild.id);
}

/** Leave the open guild. */
export async function leaveGuild() {
  const answer = await attempt(() => post(`/guilds/${state.guild.id}/leave`));
  if (!answer) return;
  takeState(answer);
  await openGuild(state.guild.id);
}

/** Act as the owner of each guild, or as oneself again. */
export async function actAsAdmin(admin) {
  const answer = await attempt(() => put("/identity", { admin }));
  if (!answer) return;
  takeState(answer);
  if (state.guild) await openGuild(state.guild.id, state.channelId);
  else await openDirects();
}

/** Open the conversation with the bot. */
export async function writeToBot() {
  const direct = await attempt(() => post("/directs"));
  if (direct) await openDirects(direct.id);
}
