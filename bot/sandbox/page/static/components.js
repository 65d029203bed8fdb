// What a bot puts into messages: rows of buttons and selects, and the Components V2 layouts.

import { button, cssColor, el } from "./dom.js";
import { among, chooser } from "./chooser.js";
import { loadOf, optionFor } from "./entities.js";
import { icon } from "./icons.js";
import { link } from "./inline.js";
import { t } from "./language.js";
import { markdown } from "./markdown.js";
import { ownPath, picture } from "./media.js";

const BUTTON = 2;
const LINK_STYLE = 5;
const PREMIUM_STYLE = 6;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger" };
export const SELECT_KINDS = { 5: "user", 6: "role", 7: "mentionable", 8: "channel" };

const MAKERS = {
  1: (data, use) => el("div", { class: "row" }, children(data.components, use)),
  2: pressable,
  3: selectable,
  5: selectable,
  6: selectable,
  7: selectable,
  8: selectable,
  9: section,
  10: (data, use) => el("div", { class: "display" }, markdown(data.content, use.names)),
  11: (data) => media(data, "thumbnail"),
  12: (data) =>
    el(
      "div",
      { class: "gallery" },
      data.items.map((item) => media(item, "picture")),
    ),
  13: fileLink,
  14: (data) =>
    el("hr", {
      class: `${data.divider === false ? "bare" : ""} ${data.spacing === 2 ? "far" : ""}`,
    }),
  17: container,
};

/** Return components; `use` is `{names, nameMap, press(custom_id, values)}`. */
export function components(list, use) {
  return el("div", { class: "components" }, children(list, use));
}

function children(list, use) {
  return (list ?? []).map((data) => MAKERS[data.type]?.(data, use) ?? null);
}

function pressable(data, use) {
  const words = [emoji(data.emoji), data.label].filter(Boolean).join(" ");
  if (data.style === LINK_STYLE) {
    const node = link(data.url, [words, " ", icon("external")]);
    node.classList.add("button");
    return node;
  }
  const usable = !data.disabled && data.style !== PREMIUM_STYLE;
  const props = {
    class: STYLES[data.style] ?? "secondary",
    disabled: !usable,
    dir: "auto",
    data: { key: data.custom_id ?? "" },
  };
  const node = button(words || "…", () => use.press(node, data.custom_id), props);
  return node;
}

function emoji(data) {
  if (!data) return "";
  return data.id ? `:${data.name}:` : data.name;
}

function selectable(data, use) {
  return chooser({
    ...selectParts(data, use.nameMap),
    disabled: Boolean(data.disabled),
    key: data.custom_id,
    onChange: (chosen) =>
      use.press(
        null,
        data.custom_id,
        chosen.map((option) => option.value),
      ),
  });
}

/** Return what a chooser needs to know of a select, in a message or a form. */
export function selectParts(data, nameMap) {
  const kind = SELECT_KINDS[data.type];
  const listed = (data.options ?? []).map((option) => ({
    label: [emoji(option.emoji), option.label].filter(Boolean).join(" "),
    detail: option.description ?? "",
    value: option.value,
    chosen: option.default,
  }));
  return {
    load: kind ? loadOf(kind, data.channel_types) : among(listed),
    placeholder: data.placeholder || t("choose"),
    label: data.placeholder ?? "",
    min: data.min_values ?? 1,
    max: data.max_values ?? 1,
    chosen: kind
      ? (data.default_values ?? []).map((entry) => optionFor(entry.id, entry.type, nameMap))
      : listed.filter((option) => option.chosen),
  };
}

function section(data, use) {
  const text = el("div", { class: "section-text" }, children(data.components, use));
  const kind = data.accessory?.type === BUTTON ? "with-button" : "with-picture";
  return el("div", { class: `section ${kind}` }, text, children([data.accessory], use));
}

function media(item, cls) {
  return picture(item.media.url, { cls, alt: item.description ?? t("picture") });
}

function fileLink(data) {
  const name = String(data.file.url).split("/").pop();
  const path = ownPath(data.file.url);
  return path
    ? el("a", { class: "file", href: path, download: name }, icon("file"), el("bdi", {}, name))
    : link(data.file.url, name);
}

function container(data, use) {
  const node = el("div", { class: "container" }, children(data.components, use));
  const color = cssColor(data.accent_color);
  if (color) node.style.setProperty("--bar", color);
  return node;
}
