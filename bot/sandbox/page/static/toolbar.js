// What can be done with a message: one set of buttons that goes to the message in hand.

import { patch, remove } from "./api.js";
import { reply } from "./composer.js";
import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { useMenu } from "./interactions.js";
import { t } from "./language.js";
import { mayDelete, react } from "./message.js";
import { attempt } from "./notices.js";
import { closePopup, openPopup } from "./popup.js";
import { channel, state } from "./store.js";

const EMOJI = [..."👍👎😀😂🎉🙏🔥👀💜✅❌🚀"];
const MESSAGE_MENU = 3;

/** Show the buttons on the message under the pointer or the focus. */
export function watchToolbar(log, find) {
  const show = (event) => {
    const item = event.target.closest?.("li.message");
    if (!item || item.querySelector(":scope > .toolbar")) return;
    log.querySelector(".toolbar")?.remove();
    const message = find(item.dataset.id);
    if (message) item.append(toolbar(message, item));
  };
  log.addEventListener("pointerover", show);
  log.addEventListener("focusin", show);
  log.addEventListener("click", show);
  log.addEventListener("keydown", (event) => walk(event, log));
}

/** Go from message to message with the arrow keys. */
function walk(event, log) {
  const item = event.target;
  if (!item.matches("li.message") || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const next = event.key === "ArrowUp" ? item.previousElementSibling : item.nextElementSibling;
  event.preventDefault();
  if (next) next.focus();
  else if (event.key === "ArrowDown") log.closest("main").querySelector("textarea")?.focus();
}

function toolbar(message, item) {
  const node = el("div", { class: "toolbar", role: "toolbar", "aria-label": t("thisMessage") });
  const add = (sign, label, work) => {
    const made = button(icon(sign), () => work(made), {
      class: "icon",
      "aria-label": label,
      title: label,
    });
    node.append(made);
  };
  if (!message.ephemeral) {
    add("smile", t("react"), (anchor) => pickEmoji(anchor, message));
    add("reply", t("reply"), () => reply(message));
    if (menus().length) add("more", t("apps"), (anchor) => pickMenu(anchor, message));
  }
  if (message.own) add("pencil", t("edit"), () => edit(message, item));
  if (mayDelete(message, channel()) && !message.ephemeral)
    add("trash", t("delete"), () => erase(message));
  return node;
}

function erase(message) {
  return attempt(() => remove(`/channels/${message.channel_id}/messages/${message.id}`));
}

function pickEmoji(anchor, message) {
  const choose = (emoji) => {
    closePopup(true);
    if (emoji.trim()) react(message, emoji.trim());
  };
  const grid = el(
    "div",
    { class: "emoji-grid" },
    EMOJI.map((emoji) => button(emoji, () => choose(emoji), { class: "icon" })),
  );
  const other = el("input", {
    type: "text",
    maxlength: 16,
    placeholder: t("anotherEmoji"),
    "aria-label": t("anotherEmoji"),
  });
  other.addEventListener("keydown", (event) => event.key === "Enter" && choose(other.value));
  openPopup(anchor, [grid, other], { label: t("react") });
  grid.firstElementChild.focus();
}

function menus() {
  return state.commands.filter((command) => command.type === MESSAGE_MENU);
}

function pickMenu(anchor, message) {
  const choices = menus().map((command) =>
    button(
      command.label,
      () => {
        closePopup(true);
        useMenu(command.name, message);
      },
      { class: "plain" },
    ),
  );
  openPopup(anchor, choices, { label: t("apps") });
  choices[0].focus();
}

/** Let the person change the text in place. */
export function edit(message, item) {
  const content = item.querySelector(".content");
  const box = el("textarea", {
    class: "edit",
    "aria-label": t("editMessage"),
    dir: "auto",
    maxlength: 2000,
  });
  box.value = message.content;
  const hint = el("p", { class: "detail" }, t("editHint"));
  const old = [...content.childNodes];
  const leave = () => {
    content.replaceChildren(...old);
    item.focus();
  };
  box.addEventListener("keydown", async (event) => {
    event.stopPropagation();
    if (event.key === "Escape") leave();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (box.value === message.content) {
      leave();
      return;
    }
    const path = `/channels/${message.channel_id}/messages/${message.id}`;
    await attempt(() => patch(path, { content: box.value }));
  });
  content.replaceChildren(box, hint);
  box.focus();
}
