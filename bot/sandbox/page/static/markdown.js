// Discord's markdown, as far as people and the bot use it, turned into DOM nodes (never markup).

import { el } from "./dom.js";
import { inline } from "./inline.js";

const FENCE = /^```(?:[\w+#-]{0,20}\n)?([\s\S]*?)```/;
const HEADING = /^(#{1,3}) +(.+)$/;
const SUBTEXT = /^-# +(.+)$/;
const QUOTE = /^> ?(.*)$/;
const ITEM = /^( {0,6})(?:[-*]|(\d{1,3})[.)]) +(.+)$/;

/** Return a fragment that shows a text; `names` says what mentions stand for (see mentions.js). */
export function markdown(text, names) {
  const fragment = document.createDocumentFragment();
  let rest = String(text ?? "");
  while (rest) {
    const start = rest.indexOf("```");
    const fence = start < 0 ? null : FENCE.exec(rest.slice(start));
    if (!fence) break;
    appendLines(fragment, trimBreak(rest.slice(0, start)), names);
    fragment.append(el("pre", {}, el("code", {}, fence[1].replace(/\n$/, ""))));
    rest = rest.slice(start + fence[0].length).replace(/^\n/, "");
  }
  appendLines(fragment, rest, names);
  return fragment;
}

function trimBreak(text) {
  return text.replace(/\n$/, "");
}

function appendLines(parent, text, names) {
  if (!text) return;
  const lines = text.split("\n");
  let plain = [];
  const flush = () => {
    if (plain.length)
      parent.append(el("div", { class: "text", dir: "auto" }, inline(plain.join("\n"), names)));
    plain = [];
  };
  for (let index = 0; index < lines.length;) {
    const [node, used] = block(lines, index, names);
    if (node) {
      flush();
      parent.append(node);
    } else {
      plain.push(lines[index]);
    }
    index += used;
  }
  flush();
}

/** Return the block that starts at a line and how many lines it takes; no node for plain text. */
function block(lines, index, names) {
  const line = lines[index];
  if (line.startsWith(">>> ")) {
    const quoted = [line.slice(4), ...lines.slice(index + 1)].join("\n");
    return [quote(quoted, names), lines.length - index];
  }
  const heading = HEADING.exec(line);
  if (heading) {
    // Inside a message these are looks, not the outline of the page.
    const look = `text heading-${heading[1].length}`;
    return [el("div", { class: look, dir: "auto" }, inline(heading[2], names)), 1];
  }
  const small = SUBTEXT.exec(line);
  if (small) return [el("div", { class: "text subtext", dir: "auto" }, inline(small[1], names)), 1];
  if (QUOTE.test(line)) {
    const quoted = takeWhile(lines, index, QUOTE);
    return [quote(quoted.map((entry) => entry[1]).join("\n"), names), quoted.length];
  }
  if (ITEM.test(line)) {
    const all = takeWhile(lines, index, ITEM);
    const other = all.findIndex((item) => isNumbered(item) !== isNumbered(all[0]));
    const items = other < 0 ? all : all.slice(0, other);
    return [list(items, names), items.length];
  }
  return [null, 1];
}

function isNumbered(item) {
  return item[2] !== undefined;
}

function takeWhile(lines, index, pattern) {
  const found = [];
  for (const line of lines.slice(index)) {
    const match = pattern.exec(line);
    if (!match) break;
    found.push(match);
  }
  return found;
}

function quote(text, names) {
  const node = el("blockquote", { dir: "auto" });
  appendLines(node, text, names);
  return node;
}

function list(items, names) {
  const numbered = isNumbered(items[0]);
  const node = el(numbered ? "ol" : "ul", { class: "text", dir: "auto" });
  if (numbered) node.start = Number(items[0][2]);
  for (const [, indent, , text] of items) {
    node.append(el("li", { class: indent.length > 1 ? "deeper" : "" }, inline(text, names)));
  }
  return node;
}
