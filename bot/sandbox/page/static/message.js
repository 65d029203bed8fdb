// One message: who wrote it, when, what it says, shows and offers.

import { put, remove } from "./api.js";
import { components } from "./components.js";
import { avatar, button, cssColor, el, nameOf } from "./dom.js";
import { embed } from "./embed.js";
import { icon } from "./icons.js";
import { useComponent } from "./interactions.js";
import { discordLocale, said, t } from "./language.js";
import { markdown } from "./markdown.js";
import { attachment } from "./media.js";
import { namesFor } from "./names.js";
import { attempt } from "./notices.js";
import { me } from "./store.js";
import { formatTime, formatWhen, madeAt } from "./time.js";

const LOADING = 1 << 7;
const SUPPRESS_EMBEDS = 1 << 2;
const TOGETHER = 7 * 60_000;
const LATEST_ANSWER = 15 * 60_000;
const MEMBER_JOINED = 7;

/** Whether a message goes on under the name of the one before it. */
export function continues(message, before) {
  if (!before || message.referenced_message || message.used || message.ephemeral) return false;
  const close = madeAt(message.id) - madeAt(before.id) < TOGETHER;
  return (
    close &&
    before.author.id === message.author.id &&
    before.author.name === message.author.name &&
    !before.ephemeral
  );
}

/** Return a message as an item of the log. */
export function messageItem(message, before) {
  const names = namesFor(message.names);
  const joined = continues(message, before);
  const classes = [
    "message",
    joined && "joined",
    message.pings && "pings",
    message.ephemeral && "private",
  ];
  const props = {
    class: classes.filter(Boolean).join(" "),
    tabindex: "-1",
    data: { id: message.id },
  };
  const body = el(
    "div",
    { class: "body" },
    joined ? null : head(message),
    content(message, names),
    extras(message, names),
  );
  if (message.ephemeral) body.append(privateNote(message));
  const picture = joined ? el("span", { class: "avatar-gap" }) : avatar(message.author);
  return el("li", props, context(message), el("div", { class: "line" }, picture, body));
}

function context(message) {
  if (message.referenced_message) return answered(message.referenced_message);
  if (!message.used) return null;
  const { by, command } = message.used;
  const words = said("used", {
    name: authorName(by),
    command: el("bdi", { class: "command" }, command[discordLocale()]),
  });
  return el("p", { class: "context" }, avatar(by, "tiny"), words.map(phrase));
}

function answered(target) {
  const name = nameOf(target.author.global_name || target.author.username);
  const text = el("span", { class: "quoted", dir: "auto" }, target.content || t("seeMessage"));
  return el("p", { class: "context" }, icon("reply"), name, text);
}

/** Return words as an item of their own in a line, where spaces are gaps. */
function phrase(part) {
  return typeof part === "string" ? el("span", {}, part.trim()) : part;
}

function authorName(person) {
  const name = nameOf(person.name, { class: "author" });
  const color = cssColor(person.color);
  if (color) name.style.setProperty("--name", color);
  return name;
}

function head(message) {
  const moment = madeAt(message.id);
  const when = el(
    "time",
    { datetime: new Date(moment).toISOString(), title: formatTime(moment, "F") },
    formatWhen(moment),
  );
  const badge = message.author.bot
    ? el(
        "span",
        { class: "badge" },
        message.webhook_id && !message.application_id ? "WEBHOOK" : "APP",
      )
    : null;
  const edited =
    message.edited_timestamp && !message.content
      ? el("span", { class: "edited" }, t("edited"))
      : null;
  return el("div", { class: "head" }, authorName(message.author), badge, when, edited);
}

function content(message, names) {
  const node = el("div", { class: "content" });
  if (message.flags & LOADING) {
    const late = Date.now() - madeAt(message.id) > LATEST_ANSWER;
    const words = late ? t("late") : t("thinking", { name: message.author.name });
    node.append(el("p", { class: "thinking" }, words));
    return node;
  }
  if (message.type === MEMBER_JOINED) node.append(el("p", { class: "system" }, t("joined")));
  if (message.content) node.append(markdown(message.content, names));
  if (message.edited_timestamp && message.content) {
    const last = node.lastElementChild;
    (last.matches(".text") ? last : node).append(el("span", { class: "edited" }, ` ${t("edited")}`));
  }
  node.append(...forwarded(message, names), ...asked(message), ...stickers(message));
  return node;
}

function forwarded(message, names) {
  return (message.message_snapshots ?? []).map(({ message: copy }) =>
    el(
      "blockquote",
      {},
      el("p", { class: "system" }, t("forwarded")),
      copy.content ? markdown(copy.content, names) : null,
      copy.attachments.length ? el("div", { class: "files" }, copy.attachments.map(attachment)) : null,
    ),
  );
}

function asked(message) {
  if (!message.poll) return [];
  const answers = message.poll.answers.map((answer) => el("li", {}, answer.poll_media.text ?? ""));
  return [el("p", {}, message.poll.question.text), el("ul", {}, answers)];
}

function stickers(message) {
  const items = message.sticker_items ?? [];
  return items.map((item) => el("p", { class: "system" }, t("sticker", { name: item.name })));
}

function extras(message, names) {
  const parts = [];
  if (message.attachments.length && !shownInside(message)) {
    parts.push(el("div", { class: "files" }, message.attachments.map(attachment)));
  }
  if (!(message.flags & SUPPRESS_EMBEDS))
    parts.push(...message.embeds.map((data) => embed(data, names)));
  if (message.components.length) parts.push(components(message.components, use(message, names)));
  if (message.reactions?.length) parts.push(reactions(message));
  return parts;
}

/** Whether the files are shown by an embed or a component already. */
function shownInside(message) {
  const rest = JSON.stringify([message.embeds, message.components]);
  return message.attachments.every((file) => rest.includes(file.url));
}

function use(message, names) {
  return {
    names,
    nameMap: message.names,
    press: async (node, customId, values) => {
      node?.setAttribute("aria-busy", "true");
      await useComponent(message, customId, values);
      node?.removeAttribute("aria-busy");
    },
  };
}

function reactions(message) {
  return el(
    "div",
    { class: "reactions" },
    message.reactions.map((entry) => {
      const name = entry.emoji.id ? `${entry.emoji.name}:${entry.emoji.id}` : entry.emoji.name;
      const words = entry.emoji.id ? `:${entry.emoji.name}:` : entry.emoji.name;
      const props = {
        class: "reaction",
        "aria-pressed": String(entry.me),
        "aria-label": `${words}, ${entry.count}`,
      };
      return button(`${words} ${entry.count}`, () => react(message, name, entry.me), props);
    }),
  );
}

/** React with an emoji, or take the reaction back. */
export function react(message, emoji, taken = false) {
  const ask = taken ? remove : put;
  return attempt(() =>
    ask(`/channels/${message.channel_id}/messages/${message.id}/reactions`, { emoji }),
  );
}

function privateNote(message) {
  const dismiss = button(
    t("dismiss"),
    async (event) => {
      const item = event.currentTarget.closest("li");
      const done = await attempt(() =>
        remove(`/channels/${message.channel_id}/messages/${message.id}`),
      );
      if (done)
        item.dispatchEvent(new CustomEvent("dismissed", { bubbles: true, detail: message.id }));
    },
    { class: "plain" },
  );
  return el("p", { class: "private-note" }, icon("eye"), t("onlyYou"), dismiss);
}

/** Whether the person may delete a message here. */
export function mayDelete(message, place) {
  return (
    message.ephemeral || message.own || Boolean(place?.can_manage) || message.author.id === me()?.id
  );
}
