// An option of a command that is typed, with suggestions from the bot where it makes some.

import { post } from "./api.js";
import { debounced, el } from "./dom.js";
import { t } from "./language.js";
import { Listbox } from "./listbox.js";
import { state } from "./store.js";

const INTEGER = 4;
const NUMBER = 10;

/** Return the text box of an option; what is typed or chosen goes into `values`. */
export function typedOption(option, { command, values, text }) {
  const numeric = option.type === INTEGER || option.type === NUMBER;
  const box = el("input", {
    type: "text",
    inputmode: numeric ? "decimal" : null,
    minlength: option.min_length ?? null,
    maxlength: option.max_length ?? 6000,
    "aria-required": String(Boolean(option.required)),
    dir: "auto",
    autocomplete: "off",
  });
  const set = () => values.set(option.name, box.value.trim() || null);
  box.value = text;
  set();
  box.addEventListener("input", set);
  const holder = el("div", { class: "typed" }, box);
  if (option.autocomplete) holder.append(suggesting(box, option, { command, values }));
  return box;
}

function suggesting(box, option, { command, values }) {
  const list = new Listbox(box, { label: option.label, onEscape: () => list.hide(), onChoose });
  let asked = 0;

  function onChoose(choice) {
    box.value = choice.label;
    values.set(option.name, choice.value);
    list.hide();
  }

  async function refresh() {
    const ticket = ++asked;
    const others = Object.fromEntries(
      [...values].filter(
        ([name, value]) => name !== option.name && value !== null && !(value instanceof File),
      ),
    );
    const body = { command: command.path, option: option.name, typed: box.value, options: others };
    const answer = await post(`/channels/${state.channelId}/autocomplete`, body).catch(
      (failure) => ({ failure }),
    );
    if (ticket !== asked || document.activeElement !== box) return;
    if (answer.failure) list.show([], answer.failure.message);
    else
      list.show(
        answer.choices.map(({ name, value }) => ({ label: name, value })),
        box.value ? t("noSuggestions") : "",
        box.value !== "",
      );
  }

  const soon = debounced(refresh, 200);
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-expanded", "false");
  box.addEventListener("input", soon);
  box.addEventListener("focus", soon);
  box.addEventListener("blur", () => list.hide());
  box.addEventListener("keydown", (event) => list.key(event));
  return list.node;
}
