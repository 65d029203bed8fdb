// Embeds: a coloured bar, title, description, fields, pictures and a footer.

import { cssColor, el } from "./dom.js";
import { inline, link } from "./inline.js";
import { t } from "./language.js";
import { markdown } from "./markdown.js";
import { picture } from "./media.js";
import { formatWhen } from "./time.js";

/** Return an embed. */
export function embed(data, names) {
  const node = el("article", { class: "embed" });
  const color = cssColor(data.color);
  if (color) node.style.setProperty("--bar", color);
  const body = el("div", { class: "embed-body" }, author(data.author), title(data, names));
  if (data.description) body.append(markdown(data.description, names));
  if (data.fields?.length) body.append(fields(data.fields, names));
  node.append(body);
  if (data.thumbnail?.url)
    node.append(picture(data.thumbnail.url, { cls: "thumbnail", alt: t("thumbnail") }));
  if (data.image?.url)
    node.append(
      picture(data.image.url, { cls: "picture wide", alt: data.image.description ?? t("picture") }),
    );
  const foot = footer(data);
  if (foot) node.append(foot);
  return node;
}

function author(data) {
  if (!data?.name) return null;
  const name = el("bdi", {}, data.name);
  return el("div", { class: "embed-author" }, data.url ? link(data.url, name) : name);
}

function title(data, names) {
  if (!data.title) return null;
  const words = inline(data.title, names);
  return el("div", { class: "embed-title", dir: "auto" }, data.url ? link(data.url, words) : words);
}

function fields(list, names) {
  const node = el("dl", { class: "embed-fields" });
  for (const field of list) {
    const value = el("dd", {}, markdown(field.value, names));
    node.append(
      el(
        "div",
        { class: field.inline ? "inline" : "" },
        el("dt", { dir: "auto" }, inline(field.name, names)),
        value,
      ),
    );
  }
  return node;
}

function footer(data) {
  const words = [
    data.footer?.text,
    data.timestamp ? formatWhen(new Date(data.timestamp).getTime()) : null,
  ];
  const text = words.filter(Boolean).join(" · ");
  return text ? el("footer", { class: "embed-footer", dir: "auto" }, text) : null;
}
