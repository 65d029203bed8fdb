// The log of the open channel: loads it, keeps it up to date, follows its end.

import { get } from "./api.js";
import { el, byId } from "./dom.js";
import { t } from "./language.js";
import { messageItem } from "./message.js";
import { attempt } from "./notices.js";
import { channel, on, state } from "./store.js";
import { watchToolbar } from "./toolbar.js";

const MOST_SHOWN = 250;
const NEAR_END = 80;

const shown = new Map(); // id -> message, in the order of their ids
let loading = 0;
let following = true; // whether the reader is at the end of the log

/** Return a message that is shown, by its id. */
export function shownMessage(id) {
  return shown.get(id) ?? null;
}

/** Return the newest shown message that fits. */
export function lastMessage(fits) {
  return [...shown.values()].reverse().find(fits) ?? null;
}

/** Connect the log to the state. */
export function startMessages() {
  const scroller = byId("scroller");
  on("channel", loadChannel);
  byId("older").addEventListener("click", loadOlder);
  byId("latest").addEventListener("click", follow);
  scroller.addEventListener("scroll", () => {
    following = atEnd();
    if (following) byId("latest").hidden = true;
  });
  // The log gets shorter when a command is being filled in.
  new ResizeObserver(() => following && follow()).observe(scroller);
  // Pictures that arrive late make the log longer.
  byId("messages").addEventListener("load", () => following && follow(), true);
  byId("messages").addEventListener("dismissed", (event) => removeMessages([event.detail]));
  watchToolbar(byId("messages"), shownMessage);
}

function atEnd() {
  const scroller = byId("scroller");
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END;
}

function follow() {
  const scroller = byId("scroller");
  scroller.scrollTop = scroller.scrollHeight;
  following = true;
  byId("latest").hidden = true;
}

async function loadChannel() {
  const ticket = ++loading;
  const log = byId("messages");
  shown.clear();
  log.replaceChildren();
  byId("older").hidden = true;
  byId("latest").hidden = true;
  if (!state.channelId) return;
  log.setAttribute("aria-busy", "true");
  const answer = await attempt(() => get(`/channels/${state.channelId}/messages`));
  if (ticket !== loading) return;
  if (answer) {
    for (const message of answer.messages) shown.set(message.id, message);
    byId("older").hidden = !answer.more;
  }
  drawAll();
  log.setAttribute("aria-busy", "false");
  follow();
}

async function loadOlder() {
  const first = shown.keys().next().value;
  const path = `/channels/${state.channelId}/messages?before=${first ?? ""}`;
  const ticket = loading;
  const answer = await attempt(() => get(path));
  if (!answer || ticket !== loading) return;
  const kept = [...shown];
  shown.clear();
  for (const message of answer.messages) shown.set(message.id, message);
  for (const [id, message] of kept) shown.set(id, message);
  byId("older").hidden = !answer.more;
  const scroller = byId("scroller");
  const fromEnd = scroller.scrollHeight - scroller.scrollTop;
  drawAll();
  scroller.scrollTop = scroller.scrollHeight - fromEnd;
}

function drawAll() {
  let before = null;
  const items = [];
  for (const message of shown.values()) {
    items.push(messageItem(message, before));
    before = message;
  }
  if (!items.length && channel())
    items.push(el("li", { class: "quiet" }, t("emptyChannel")));
  byId("messages").replaceChildren(...items);
}

/** Show a new message, or an old one's new state. */
export function showMessage(message) {
  const known = shown.has(message.id);
  const log = byId("messages");
  if (!known && shown.size && isOlder(message.id)) return;
  const before = known ? previous(message.id) : ([...shown.values()].at(-1) ?? null);
  const old = itemOf(message.id);
  const isBeingEdited =
    old?.querySelector(".edit") && shown.get(message.id).content === message.content;
  shown.set(message.id, message);
  if (isBeingEdited) return;
  const item = messageItem(message, before);
  if (known) swap(old, item);
  else {
    log.querySelector(".quiet")?.remove();
    log.append(item);
  }
  if (following) {
    trim();
    follow();
  } else if (!known) {
    byId("latest").hidden = false;
  }
}

function isOlder(id) {
  return BigInt(id) < BigInt(shown.keys().next().value);
}

function previous(id) {
  let before = null;
  for (const message of shown.values()) {
    if (message.id === id) return before;
    before = message;
  }
  return null;
}

function itemOf(id) {
  return byId("messages").querySelector(`li[data-id="${id}"]`);
}

/** Replace an item; the focus stays where it was in it, as far as that is still there. */
function swap(old, item) {
  if (!old) return;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const focusables = focused ? [...old.querySelectorAll("button, a")] : [];
  old.replaceWith(item);
  if (!focused) return;
  const same = [...item.querySelectorAll("[data-key]")].find(
    (node) => node.dataset.key && node.dataset.key === focused.dataset.key,
  );
  const alike = item.querySelectorAll("button, a")[focusables.indexOf(focused)];
  (same ?? alike ?? item).focus({ preventScroll: true });
}

function trim() {
  while (shown.size > MOST_SHOWN) {
    const oldest = shown.keys().next().value;
    shown.delete(oldest);
    itemOf(oldest)?.remove();
    byId("older").hidden = false;
  }
}

/** Take messages that are gone off the log; what continued them gets its head back. */
export function removeMessages(ids) {
  for (const id of ids) {
    if (!shown.delete(id)) continue;
    const item = itemOf(id);
    const next = item?.nextElementSibling;
    if (item?.contains(document.activeElement)) byId("scroller").focus();
    item?.remove();
    const follower = next && shown.get(next.dataset.id);
    if (follower) swap(next, messageItem(follower, previous(follower.id)));
  }
}
