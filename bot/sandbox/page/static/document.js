// Fills the page's own document with texts and icons.

import { icon } from "./icons.js";
import { language, t } from "./language.js";

/** Put the texts of the language into what index.html declares. */
export function fillDocument() {
  document.documentElement.lang = language();
  for (const node of document.querySelectorAll("[data-text]"))
    node.textContent = t(node.dataset.text);
  for (const node of document.querySelectorAll("[data-label]"))
    node.setAttribute("aria-label", t(node.dataset.label));
  for (const node of document.querySelectorAll("[data-tip]")) node.title = t(node.dataset.tip);
  for (const node of document.querySelectorAll("[data-icon]")) {
    node.querySelector(":scope > .glyph")?.remove();
    node.append(icon(node.dataset.icon));
  }
}
