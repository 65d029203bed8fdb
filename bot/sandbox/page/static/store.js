// What the page knows, and who wants to hear when it changes.

const listeners = new Map();

/** The state; change it only through the functions of `actions.js`. */
export const state = {
  visitor: null,
  bot: null,
  guilds: [],
  guild: null, // the open guild with its channels and roles; null: direct messages
  directs: [],
  channelId: null,
  unread: new Set(), // ids of channels with messages that were not looked at
  commands: [],
};

/** Call `listener` whenever one of the named parts changes. */
export function on(names, listener) {
  for (const name of names.split(" ")) {
    listeners.set(name, [...(listeners.get(name) ?? []), listener]);
  }
}

/** Tell everyone that a part has changed. */
export function changed(name, detail) {
  for (const listener of listeners.get(name) ?? []) listener(detail);
}

/** Return the open channel, null when there is none. */
export function channel() {
  return findChannel(state.channelId);
}

/** Return a channel of the open guild, or a direct conversation. */
export function findChannel(id) {
  return places().find((entry) => entry.id === id) ?? null;
}

/** Return the channels that can be opened now. */
export function places() {
  return state.guild ? state.guild.channels : state.directs;
}

/** Return a role of the open guild. */
export function findRole(id) {
  return state.guild?.roles.find((entry) => entry.id === id) ?? null;
}

/** Return as whom the person acts here. */
export function me() {
  return state.guild?.me ?? channel()?.as ?? state.visitor;
}

/** Whether somebody is the person at this page. */
export function isMe(userId) {
  return me()?.id === userId;
}
