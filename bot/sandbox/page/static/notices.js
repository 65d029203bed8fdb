// Short notes at the edge of the page: what went wrong, in words.

import { button, byId, el } from "./dom.js";
import { Refusal } from "./api.js";

const SHOWN_FOR = 9000;
const MOST = 3;

/** Show a note for a while; it can be closed. */
export function notify(text, kind = "problem") {
  const area = byId("notices");
  const note = el("p", { class: `notice ${kind}` }, el("span", { dir: "auto" }, text));
  note.append(button("×", () => note.remove(), { class: "icon", "aria-label": "Close" }));
  area.append(note);
  while (area.children.length > MOST) area.firstElementChild.remove();
  setTimeout(() => note.remove(), SHOWN_FOR);
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
