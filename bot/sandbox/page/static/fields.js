// The fields of a bot's form, each with a way to read what is in it.

import { packFiles } from "./api.js";
import { chooser } from "./chooser.js";
import { selectParts } from "./components.js";
import { el, freshId } from "./dom.js";

const PARAGRAPH = 2;
const TEXT_INPUT = 4;
const FILE_UPLOAD = 19;
const RADIO_GROUP = 21;
const CHECKBOX_GROUP = 22;
const CHECKBOX = 23;

/**
 * Return a field as `{node, id, read}`: `id` is what a label points at, `read()` returns the value
 * (maybe later).
 */
export function field(data, label, describedBy) {
  const make = { [TEXT_INPUT]: textInput, [FILE_UPLOAD]: upload, [CHECKBOX]: checkbox };
  if (data.type in make) return make[data.type](data, describedBy);
  if (data.type === RADIO_GROUP || data.type === CHECKBOX_GROUP) return group(data);
  return select(data, label);
}

function textInput(data, describedBy) {
  const long = data.style === PARAGRAPH;
  const node = el(long ? "textarea" : "input", {
    id: freshId("field"),
    required: data.required !== false,
    minlength: data.min_length || null,
    maxlength: data.max_length ?? 4000,
    placeholder: data.placeholder,
    "aria-describedby": describedBy,
    dir: "auto",
  });
  if (long) node.rows = 5;
  node.value = data.value ?? "";
  return { node, id: node.id, read: () => node.value };
}

function select(data, label) {
  const parts = selectParts(data, {});
  let values = parts.chosen.map((option) => option.value);
  const node = chooser({
    ...parts,
    label,
    min: data.required === false ? 0 : parts.min,
    onChange: (chosen) => {
      values = chosen.map((option) => option.value);
    },
  });
  return { node, id: node.id, read: () => values };
}

function upload(data, describedBy) {
  const props = {
    type: "file",
    id: freshId("field"),
    required: data.required !== false,
    "aria-describedby": describedBy,
  };
  const node = el("input", { ...props, multiple: (data.max_values ?? 1) > 1 });
  return { node, id: node.id, read: () => packFiles(node.files) };
}

function checkbox(data, describedBy) {
  const node = el("input", {
    type: "checkbox",
    id: freshId("field"),
    checked: Boolean(data.default),
    "aria-describedby": describedBy,
  });
  return { node, id: node.id, read: () => node.checked };
}

function group(data) {
  const single = data.type === RADIO_GROUP;
  const name = freshId("group");
  const boxes = data.options.map((option) => {
    const box = el("input", {
      type: single ? "radio" : "checkbox",
      name,
      value: option.value,
      checked: Boolean(option.default),
    });
    const detail = option.description ? el("span", { class: "detail" }, option.description) : null;
    return {
      box,
      node: el("label", { class: "choice" }, box, el("span", {}, option.label), detail),
    };
  });
  const chosen = () => boxes.filter(({ box }) => box.checked).map(({ box }) => box.value);
  const node = el(
    "div",
    { class: "choices", role: single ? "radiogroup" : "group", id: name },
    boxes.map((entry) => entry.node),
  );
  return { node, id: null, read: () => (single ? (chosen()[0] ?? null) : chosen()) };
}
