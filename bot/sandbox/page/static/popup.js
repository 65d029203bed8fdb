// One small window beside what opened it; a second one closes the first.

import { el } from "./dom.js";

const ROOM = 320;

let open = null;

/** Show `content` beside `anchor` until Escape, a click elsewhere or `closePopup`. */
export function openPopup(anchor, content, { label, onClose = () => {} }) {
  closePopup();
  const node = el("div", { class: "popup", role: "dialog", "aria-label": label }, content);
  // Everything outside an open dialog is inert, so a popup of a dialog belongs into it.
  (anchor.closest("dialog") ?? document.body).append(node);
  open = { node, anchor, onClose };
  anchor.setAttribute("aria-expanded", "true");
  place(node, anchor);
  node.addEventListener("keydown", onKey);
  return node;
}

/** Close the open popup; `refocus` puts the focus back to what opened it. */
export function closePopup(refocus = false) {
  if (!open) return;
  const { node, anchor, onClose } = open;
  open = null;
  node.remove();
  anchor.setAttribute("aria-expanded", "false");
  onClose();
  if (refocus) anchor.focus();
}

function onKey(event) {
  if (event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  closePopup(true);
}

function place(node, anchor) {
  const box = anchor.getBoundingClientRect();
  const gap = 4;
  const width = Math.min(Math.max(box.width, node.offsetWidth), innerWidth - 2 * gap);
  const left = Math.max(gap, Math.min(box.left, innerWidth - width - gap));
  const below = innerHeight - box.bottom - gap;
  const above = box.top - gap;
  // What is in it may still be loading, so there must be room for a list.
  const upward = below < ROOM && above > below;
  node.style.left = `${left}px`;
  node.style.minWidth = `${Math.min(box.width, width)}px`;
  node.style.maxHeight = `${Math.max(120, Math.min(upward ? above : below, 380))}px`;
  if (upward) node.style.bottom = `${innerHeight - box.top + gap}px`;
  else node.style.top = `${box.bottom + gap}px`;
}

document.addEventListener("pointerdown", (event) => {
  if (open && !open.node.contains(event.target) && !open.anchor.contains(event.target))
    closePopup();
});
