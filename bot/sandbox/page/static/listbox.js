// A list of choices steered from a text box: arrows move, Enter chooses, Escape closes.

import { el, freshId } from "./dom.js";
import { icon } from "./icons.js";

/**
 * Make a listbox for `input`. Options are `{label, detail, value, selected}`, and `sign` returns an
 * icon where there is one; `onChoose` gets an option.
 * `onEscape` is called on Escape while options are shown.
 */
export class Listbox {
  constructor(input, { label, onChoose, multiple = false, onEscape = () => {} }) {
    this.input = input;
    this.onChoose = onChoose;
    this.onEscape = onEscape;
    this.options = [];
    this.active = -1;
    const id = freshId("list");
    this.node = el("ul", {
      class: "listbox",
      role: "listbox",
      id,
      "aria-label": label,
      hidden: true,
    });
    if (multiple) this.node.setAttribute("aria-multiselectable", "true");
    input.setAttribute("aria-controls", id);
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("autocomplete", "off");
  }

  get shown() {
    return !this.node.hidden;
  }

  /** Show options; the first is ready to be chosen unless `preselect` is false. */
  show(options, empty = "", preselect = true) {
    this.options = options;
    this.active = options.length && preselect ? 0 : -1;
    const rows = options.map((option, index) => this.row(option, index));
    if (!rows.length && empty) rows.push(el("li", { class: "empty" }, empty));
    this.node.replaceChildren(...rows);
    this.node.hidden = rows.length === 0;
    this.input.setAttribute("aria-expanded", String(this.shown));
    this.mark();
  }

  hide() {
    this.show([]);
  }

  row(option, index) {
    const choose = (event) => {
      event.preventDefault(); // the focus stays in the text box
      this.choose(index);
    };
    const props = {
      id: `${this.node.id}-${index}`,
      role: "option",
      "aria-selected": String(Boolean(option.selected)),
      on: { pointerdown: (event) => event.preventDefault(), click: choose },
    };
    const detail = option.detail
      ? el("span", { class: "detail", dir: "auto" }, option.detail)
      : null;
    const sign = option.selected ? icon("check") : option.sign?.();
    return el("li", props, sign, el("span", { class: "label", dir: "auto" }, option.label), detail);
  }

  mark() {
    [...this.node.children].forEach((row, index) =>
      row.classList.toggle("active", index === this.active),
    );
    const current = this.active >= 0 ? this.node.children[this.active] : null;
    if (current) {
      this.input.setAttribute("aria-activedescendant", current.id);
      current.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  choose(index = this.active) {
    const option = this.options[index];
    if (!option) return false;
    this.active = index;
    this.onChoose(option, index);
    return true;
  }

  /** Take a key press of the text box; returns whether it was meant for the list. */
  key(event) {
    if (!this.shown || event.isComposing) return false;
    const count = this.options.length;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    if (event.key in steps && count) {
      const step = steps[event.key];
      const wraps = Math.abs(step) === 1;
      const from = this.active < 0 && step < 0 ? 0 : this.active;
      const next = from + step;
      this.active = wraps ? (next + count) % count : Math.min(count - 1, Math.max(0, next));
      this.mark();
    } else if (event.key === "Enter") {
      if (!this.choose()) return false;
    } else if (event.key === "Escape") {
      this.onEscape();
    } else {
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }
}
