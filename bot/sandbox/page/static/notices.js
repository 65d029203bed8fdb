// Short notes at the edge of the page: what went wrong, in words.

import { Refusal } from "./api.js";
import { button, el } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./language.js";

const SHOWN_FOR = 9000;
const MOST = 3;

/** Show what went wrong for a while, and say it to who can't see it; it can be closed. */
export function notify(text) {
  const area = currentArea();
  const note = el("p", { class: "notice", role: "alert" }, el("span", { dir: "auto" }, text));
  const close = button(icon("cross"), () => note.remove(), {
    class: "icon",
    "aria-label": t("close"),
  });
  note.append(close);
  area.append(note);
  while (area.children.length > MOST) area.firstElementChild.remove();
  setTimeout(() => note.remove(), SHOWN_FOR);
}

/** Return where notes go now: an open dialog covers all that is outside of it. */
function currentArea() {
  const host = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  const found = host.querySelector(":scope > .notices");
  if (found) return found;
  const area = el("div", { class: "notices" });
  host.append(area);
  return area;
}

/** Return a line for what is wrong with a form. `say(words)` shows it; without words it hides it. */
export function problemLine() {
  const node = el("p", { class: "problem", role: "alert", dir: "auto", hidden: true });
  const say = (words) => {
    node.textContent = words ?? "";
    node.hidden = !words;
    if (words) node.scrollIntoView({ block: "nearest" });
  };
  return { node, say };
}

/** Do something that the sandbox may refuse; returns its result, or undefined after a refusal. */
export async function attempt(work) {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof Refusal)) throw failure;
    notify(failure.message);
    return undefined;
  }
}
