// A button that opens a list to choose from: selects in messages and forms, options of commands.

import { button, debounced, el, freshId } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./language.js";
import { Listbox } from "./listbox.js";
import { closePopup, openPopup } from "./popup.js";

/**
 * Return a chooser. `load(text)` returns the options (`{label, detail, value}`), maybe later.
 * `chosen` are those chosen at first, `onChange` gets the newly chosen ones.
 */
export function chooser({
  load,
  label,
  placeholder = t("choose"),
  chosen = [],
  min = 1,
  max = 1,
  disabled = false,
  onChange,
  key,
}) {
  let current = [...chosen];
  const shown = el("span", { class: "shown", dir: "auto" });
  const props = {
    class: "chooser",
    "aria-haspopup": "dialog",
    "aria-expanded": "false",
    disabled,
    id: freshId("chooser"),
  };
  const opener = button([shown, icon("down")], open, props);
  if (key) opener.dataset.key = key;
  describe();

  function describe() {
    const words = current.map((option) => option.label).join(", ");
    shown.textContent = words || placeholder;
    shown.classList.toggle("placeholder", !words);
    const spoken = { label: label || placeholder, chosen: words || t("nothingChosen") };
    opener.setAttribute("aria-label", t("chosen", spoken));
  }

  function commit(options) {
    current = options;
    describe();
    closePopup(true);
    onChange([...current]);
  }

  function open() {
    let picked = [...current];
    const filter = el("input", {
      type: "text",
      role: "combobox",
      placeholder: t("filter"),
      "aria-label": t("filterOf", { label: label || placeholder }),
    });
    const list = new Listbox(filter, {
      label: label || placeholder,
      multiple: max > 1,
      onEscape: () => closePopup(true),
      onChoose,
    });
    const foot = max > 1 || (min === 0 && current.length) ? footer() : null;

    function onChoose(option) {
      if (max === 1) return commit([option]);
      const has = picked.some((entry) => entry.value === option.value);
      if (has) picked = picked.filter((entry) => entry.value !== option.value);
      else if (picked.length < max) picked = [...picked, option];
      const active = list.active;
      list.show(list.options.map(withMark));
      list.active = active;
      list.mark();
      return undefined;
    }

    function withMark(option) {
      return { ...option, selected: picked.some((entry) => entry.value === option.value) };
    }

    function footer() {
      const done = button(t("done"), () => picked.length >= min && commit(picked), {
        class: "primary",
      });
      const clear = min === 0 ? button(t("clear"), () => commit([])) : null;
      const count = max > 1 ? el("span", { class: "detail" }, t("fromTo", { min, max })) : null;
      return el("div", { class: "foot" }, count, clear, max > 1 ? done : null);
    }

    async function refresh() {
      const text = filter.value;
      const options = await load(text);
      if (filter.value === text) list.show(options.map(withMark), t("nothingFits"));
    }

    filter.addEventListener("input", debounced(refresh, 120));
    filter.addEventListener("keydown", (event) => list.key(event));
    // The popup may lie over the label it belongs to.
    const caption = el("p", { class: "caption", dir: "auto" }, label || placeholder);
    openPopup(opener, [caption, filter, list.node, foot], { label: label || placeholder });
    filter.focus();
    refresh();
  }

  return opener;
}

/** Return a `load` for options that are all known: those with the text in label or detail. */
export function among(options) {
  return (text) => {
    const wanted = text.trim().toLowerCase();
    return options.filter((option) =>
      `${option.label} ${option.detail ?? ""}`.toLowerCase().includes(wanted),
    );
  };
}
