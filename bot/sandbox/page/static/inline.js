// The markdown inside a line: emphasis, code, links, mentions, timestamps, spoilers.

import { button, el } from "./dom.js";
import { t } from "./language.js";
import { mention } from "./mentions.js";

const DEEPEST = 8;
// Longer markers first: "**" must not be taken for two "*".
const MARKERS = [
  ["***", (nodes) => el("strong", {}, el("em", {}, nodes))],
  ["**", (nodes) => el("strong", {}, nodes)],
  ["__", (nodes) => el("u", {}, nodes)],
  ["~~", (nodes) => el("s", {}, nodes)],
  ["||", spoiler],
  ["*", (nodes) => el("em", {}, nodes)],
  ["_", (nodes) => el("em", {}, nodes)],
];
const NOTHING_BUT_MARKERS = /^[\s*_~|]*$/;
const ADDRESS = /https?:\/\/[^\s<>]{1,1500}/y;
const ANGLED_ADDRESS = /<(https?:\/\/[^\s<>]{1,1500})>/y;
const MASKED_LINK = /\[([^[\]\n]{1,300})\]\(<?(https?:\/\/[^\s()<>]{1,1500})>?\)/y;
const ESCAPED = /\\([\\`*_~|<>#\-[\]().:@/])/y;
const CODE = /(`{1,2})([^`]|[^`][\s\S]*?[^`])\1(?!`)/y;

/** Return the nodes that show one or more lines of plain text. */
export function inline(text, names, depth = 0) {
  const nodes = [];
  let plain = "";
  const flush = () => {
    if (plain) nodes.push(...withBreaks(plain));
    plain = "";
  };
  for (let at = 0; at < text.length;) {
    const found = special(text, at, names, depth);
    if (!found) {
      plain += text[at];
      at += 1;
    } else if (typeof found[0] === "string") {
      plain += found[0];
      at += found[1];
    } else {
      flush();
      nodes.push(found[0]);
      at += found[1];
    }
  }
  flush();
  return nodes;
}

function withBreaks(text) {
  return text.split("\n").flatMap((line, index) => (index ? [el("br"), line] : [line]));
}

/** Return what starts here as [node or text, length], or null. */
function special(text, at, names, depth) {
  switch (text[at]) {
    case "\\":
      return match(ESCAPED, text, at, (found) => found[1]);
    case "`":
      return match(CODE, text, at, (found) => el("code", {}, found[2].trim() || found[2]));
    case "<":
      return (
        match(ANGLED_ADDRESS, text, at, (found) => link(found[1], found[1])) ??
        mention(text, at, names)
      );
    case "@":
      return mention(text, at, names);
    case "h":
      return address(text, at);
    case "[":
      return match(MASKED_LINK, text, at, (found) =>
        link(found[2], inline(found[1], names, DEEPEST)),
      );
    default:
      return depth < DEEPEST ? emphasis(text, at, names, depth) : null;
  }
}

function match(pattern, text, at, make) {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return found ? [make(found), found[0].length] : null;
}

function address(text, at) {
  ADDRESS.lastIndex = at;
  const found = ADDRESS.exec(text);
  if (!found) return null;
  const trimmed = found[0].replace(/[).,!?:;'"*_~|\]]+$/, "");
  return [link(trimmed, trimmed), trimmed.length];
}

/** Return a link to a web address that opens elsewhere, or just its text when it is none. */
export function link(target, content) {
  let parsed = null;
  try {
    parsed = new URL(target);
  } catch {
    return el("span", {}, content);
  }
  if (parsed.protocol !== "https:" && parsed.protocol !== "http:") return el("span", {}, content);
  const props = {
    href: parsed.href,
    target: "_blank",
    rel: "noopener noreferrer nofollow",
    title: parsed.href,
  };
  return el("a", props, content);
}

function emphasis(text, at, names, depth) {
  for (const [marker, make] of MARKERS) {
    if (!text.startsWith(marker, at)) continue;
    const end = closing(text, marker, at + marker.length);
    if (end < 0 || !opens(text, marker, at)) continue;
    const inner = text.slice(at + marker.length, end);
    if (NOTHING_BUT_MARKERS.test(inner)) continue;
    return [make(inline(inner, names, depth + 1)), inner.length + 2 * marker.length];
  }
  return null;
}

function opens(text, marker, at) {
  const next = text[at + marker.length];
  if (marker === "*" && /\s/.test(next)) return false;
  // snake_case_names are names.
  return marker !== "_" || !/\w/.test(text[at - 1] ?? " ");
}

function closing(text, marker, from) {
  const single = marker.length === 1;
  for (let end = text.indexOf(marker, from + 1); end >= 0; end = text.indexOf(marker, end + 1)) {
    if (text[end - 1] === "\\") continue;
    if (single && (text[end + 1] === marker || text[end - 1] === marker)) continue;
    if (marker === "*" && /\s/.test(text[end - 1])) continue;
    if (marker === "_" && /\w/.test(text[end + 1] ?? " ")) continue;
    return end;
  }
  return -1;
}

function spoiler(nodes) {
  const hidden = el("span", { class: "hidden-text", inert: true }, nodes);
  const cover = button(
    t("showSpoiler"),
    () => {
      hidden.inert = false;
      cover.replaceWith(...hidden.childNodes);
    },
    { class: "spoiler" },
  );
  return cover;
}
