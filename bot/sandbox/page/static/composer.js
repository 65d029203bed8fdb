// Where the person writes: text, files, replies, and the way into commands with "/".

import { packFiles, post } from "./api.js";
import { commandForm } from "./commandform.js";
import { fromText, suggestions } from "./completion.js";
import { button, byId, el, nameOf } from "./dom.js";
import { icon } from "./icons.js";
import { said, t } from "./language.js";
import { Listbox } from "./listbox.js";
import { lastMessage } from "./messages.js";
import { attempt } from "./notices.js";
import { channel, on, state } from "./store.js";
import { edit } from "./toolbar.js";

const TYPING_EVERY = 8000;
const TALLEST = 200;
const NARROW = "(max-width: 720px)";
const drafts = new Map(); // channel id -> text not sent yet

let box = null;
let answered = null;
let files = [];
let typedAt = 0;
let drawnFor = "";

/** Connect the composer to the state. */
export function startComposer() {
  on("channel", () => {
    answered = null;
    files = [];
    draw();
  });
  on("place", () => drawnFor !== situation() && draw());
  on("commands", () => {
    if (box?.value.startsWith("/")) box.dispatchEvent(new Event("input"));
    else if (channel() && !channel().can_send) draw();
  });
}

/** Answer a message. */
export function reply(message) {
  answered = message;
  draw();
  box?.focus();
}

/** Return what decides how the composer looks. */
function situation() {
  const place = channel();
  return [state.guild?.id, state.guild?.joined, place?.id, place?.name, place?.can_send].join("/");
}

function draw() {
  const area = byId("composer");
  const place = channel();
  drawnFor = situation();
  box = null;
  if (!place) area.replaceChildren();
  else if (!place.can_send)
    area.replaceChildren(el("p", { class: "quiet" }, t("mayOnlyRead")), slashOnly());
  else area.replaceChildren(writer(place));
}

/** Commands can be used where nothing can be written. */
function slashOnly() {
  return state.commands.length
    ? button(t("useCommand"), () => openCommands("/"), { class: "plain" })
    : "";
}

function openCommands(text) {
  byId("composer").replaceChildren(writer(channel()));
  box.value = text;
  box.focus();
  box.dispatchEvent(new Event("input"));
}

function writer(place) {
  const name = place.with ? place.name : `#${place.name}`;
  const words = matchMedia(NARROW).matches ? t("messageHintShort") : t("messageHint", { name });
  const hint = place.can_send ? words : t("commandHint");
  box = el("textarea", {
    rows: 1,
    maxlength: 2000,
    placeholder: hint,
    "aria-label": t("messageTo", { name }),
    dir: "auto",
    role: "combobox",
    "aria-expanded": "false",
  });
  box.value = drafts.get(place.id) ?? "";
  const list = new Listbox(box, {
    label: t("suggestions"),
    onChoose: (option) => choose(option, list),
    onEscape: () => list.hide(),
  });
  box.addEventListener("input", () => onInput(place, list));
  box.addEventListener("keydown", (event) => onKey(event, list));
  box.addEventListener("blur", () => list.hide());
  const picker = el("input", { type: "file", multiple: true, hidden: true });
  picker.addEventListener("change", () => {
    files = [...files, ...picker.files].slice(0, 10);
    draw();
    box.focus();
  });
  const attach = iconButton("plus", t("attach"), () => picker.click());
  const submit = iconButton("send", t("send"), send);
  requestAnimationFrame(grow);
  return el(
    "div",
    { class: "writer" },
    list.node,
    banner(),
    fileList(),
    el("div", { class: "line" }, picker, attach, box, submit),
  );
}

function iconButton(sign, label, work) {
  return button(icon(sign), work, { class: "icon", "aria-label": label, title: label });
}

function banner() {
  if (!answered) return null;
  const stop = iconButton("cross", t("dontReply"), () => reply(null));
  const words = said("replyingTo", { name: nameOf(answered.author.name) });
  return el("p", { class: "banner" }, words, stop);
}

function fileList() {
  if (!files.length) return null;
  return el(
    "ul",
    { class: "chosen-files" },
    files.map((file) => {
      const drop = iconButton("cross", t("leaveOut", { name: file.name }), () => {
        files = files.filter((entry) => entry !== file);
        draw();
      });
      return el("li", {}, el("bdi", {}, file.name), drop);
    }),
  );
}

function grow() {
  if (!box) return;
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, TALLEST)}px`;
}

async function onInput(place, list) {
  grow();
  drafts.set(place.id, box.value);
  const asked = box.value;
  const options = await suggestions(asked, box.selectionStart);
  if (box && box.value === asked && document.activeElement === box) {
    list.show(options, asked.startsWith("/") ? t("noCommand") : "");
  }
  if (asked && !asked.startsWith("/") && Date.now() - typedAt > TYPING_EVERY) {
    typedAt = Date.now();
    post(`/channels/${place.id}/typing`).catch(() => undefined);
  }
}

function choose(option, list) {
  if (option.command) {
    list.hide();
    startCommand(option.command, option.rest ?? "");
    return;
  }
  const [start, end] = option.range;
  box.setRangeText(`${option.value} `, start, end, "end");
  list.hide();
  drafts.set(state.channelId, box.value);
}

function startCommand(command, rest = "") {
  drafts.delete(state.channelId);
  const back = () => {
    draw();
    box?.focus();
  };
  const form = commandForm(command, rest, back);
  byId("composer").replaceChildren(form.node);
  form.focus();
}

function onKey(event, list) {
  if (list.key(event)) return;
  if (event.key === "Escape" && answered) reply(null);
  if (event.key === "ArrowUp" && !box.value) {
    const own = lastMessage((message) => message.own);
    const item = own && byId("messages").querySelector(`li[data-id="${own.id}"]`);
    if (item) {
      event.preventDefault();
      edit(own, item);
    }
  }
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
}

async function send() {
  const content = box.value.trim();
  if (!content && !files.length) return;
  const place = channel();
  const command = content.startsWith("/") ? fromText(content) : null;
  if (command) {
    startCommand(command.command, command.rest);
    return;
  }
  const sent = await attempt(async () => {
    const body = { content, files: await packFiles(files) };
    if (answered) body.reply_to = answered.id;
    return post(`/channels/${place.id}/messages`, body);
  });
  if (!sent) return;
  typedAt = 0;
  drafts.delete(place.id);
  if (channel()?.id !== place.id) return;
  answered = null;
  files = [];
  draw();
  box?.focus();
}
