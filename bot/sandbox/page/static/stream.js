// Hears what happens, from the sandbox's stream of events, and passes it on.

import { loadDirects, loadState, openChannel, refreshGuild } from "./actions.js";
import { byId, debounced } from "./dom.js";
import { t } from "./language.js";
import { removeMessages, showMessage } from "./messages.js";
import { changed, isMe, state } from "./store.js";

const TYPING_FOR = 8000;
const typing = new Map(); // user id -> [name, timer]
let wasLost = false;

const refreshSoon = debounced(refreshGuild, 400);
const reloadGuildsSoon = debounced(() => loadState().catch(() => undefined), 600);

/** Listen until the page is closed; the browser connects again by itself after a break. */
export function startStream() {
  const source = new EventSource("/page/events");
  source.addEventListener("message", (event) => hear(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    wasLost = true;
    const gone = source.readyState === EventSource.CLOSED;
    byId("connection").textContent = t(gone ? "disconnected" : "connecting");
  });
}

function hear(event) {
  const handlers = {
    hello,
    reset,
    message: onMessage,
    removed: onRemoved,
    typing: onTyping,
    changed: onChanged,
  };
  handlers[event.kind]?.(event);
}

async function hello() {
  byId("connection").textContent = "";
  if (!wasLost) return;
  wasLost = false;
  await reset();
}

/** Load everything anew: something may have been missed. */
async function reset() {
  if (state.guild) await refreshGuild();
  else await loadDirects();
  await openChannel(state.channelId);
}

function onMessage({ message }) {
  stopTyping(message.author.id);
  if (message.channel_id === state.channelId) {
    showMessage(message);
    return;
  }
  if (
    !message.edited_timestamp &&
    !isMe(message.author.id) &&
    !state.unread.has(message.channel_id)
  ) {
    state.unread.add(message.channel_id);
    changed("unread");
  }
  if (!message.guild_id && !state.directs.some((entry) => entry.id === message.channel_id))
    showNewDirect();
}

async function showNewDirect() {
  await loadDirects();
  if (!state.guild) changed("place");
}

function onRemoved({ channel_id, ids }) {
  if (channel_id === state.channelId) removeMessages(ids);
}

function onChanged({ what, guild_id }) {
  if (what === "guilds") reloadGuildsSoon();
  if (guild_id !== state.guild?.id) return;
  if (what === "members") changed("members");
  if (what === "guild") {
    refreshSoon();
    reloadGuildsSoon();
  }
}

// -- who is writing --

function onTyping({ channel_id, user_id, name }) {
  if (channel_id !== state.channelId || isMe(user_id)) return;
  stopTyping(user_id);
  typing.set(user_id, [name, setTimeout(() => stopTyping(user_id), TYPING_FOR)]);
  drawTyping();
}

function stopTyping(userId) {
  const entry = typing.get(userId);
  if (!entry) return;
  clearTimeout(entry[1]);
  typing.delete(userId);
  drawTyping();
}

function drawTyping() {
  const [name, other, third] = [...typing.values()].map(([shown]) => shown);
  const key = third ? "typingMany" : other ? "typingTwo" : "typingOne";
  byId("typing").textContent = name ? t(key, { name, other }) : "";
}
