// A slash command being filled in: one field for each of its options.

import { packFiles } from "./api.js";
import { among, chooser } from "./chooser.js";
import { button, el, freshId } from "./dom.js";
import { loadOf } from "./entities.js";
import { useCommand } from "./interactions.js";
import { t } from "./language.js";
import { attempt, problemLine } from "./notices.js";
import { typedOption } from "./typed.js";

const BOOLEAN = 5;
const ENTITIES = { 6: "user", 7: "channel", 8: "role", 9: "mentionable" };
const ATTACHMENT = 11;

/** Return `{node, focus}`; `rest` goes into the first option, `done` is called at the end. */
export function commandForm(command, rest, done) {
  const values = new Map();
  const fields = command.options.map((option, index) =>
    optionField(option, { command, values, text: index ? "" : rest }),
  );
  const run = el("button", { type: "submit", class: "primary" }, t("run"));
  const cancel = button(t("cancel"), done);
  const problem = problemLine();
  const title = el(
    "p",
    { class: "command-title" },
    el("strong", {}, `/${command.label}`),
    " ",
    el("span", { class: "detail" }, command.description),
  );
  const node = el(
    "form",
    { class: "command-form", "aria-label": `/${command.label}` },
    title,
    el(
      "div",
      { class: "options" },
      fields.map((entry) => entry.node),
    ),
    problem.node,
    el("div", { class: "foot" }, cancel, run),
  );
  node.addEventListener("keydown", (event) => {
    if (event.key === "Escape") done();
  });
  node.addEventListener("submit", async (event) => {
    event.preventDefault();
    const missing = command.options.findIndex(
      (option) => option.required && isEmpty(values.get(option.name)),
    );
    fields.forEach(({ target }, index) =>
      target.setAttribute("aria-invalid", String(index === missing)),
    );
    problem.say(missing < 0 ? null : t("isNeeded", { name: command.options[missing].label }));
    if (missing >= 0) {
      fields[missing].target.focus();
      return;
    }
    run.disabled = true;
    const options = await attempt(() => collect(values));
    if (options && (await useCommand(command.path, options))) done();
    run.disabled = false;
  });
  return { node, focus: () => (fields[0]?.target ?? run).focus() };
}

function isEmpty(value) {
  return value === undefined || value === null || value === "";
}

async function collect(values) {
  const options = {};
  for (const [name, value] of values) {
    if (value instanceof File) [options[name]] = await packFiles([value]);
    else if (!isEmpty(value)) options[name] = value;
  }
  return options;
}

/** Return one option's field; what is chosen goes into `values`. */
function optionField(option, form) {
  const control = controlOf(option, form);
  control.id ||= freshId("option");
  const star = option.required ? el("span", { class: "required", title: t("required") }, " *") : null;
  const label = el(
    "label",
    { class: "caption", for: control.id, title: option.description },
    option.label,
    star,
  );
  const hint = el("p", { class: "detail" }, option.description);
  const holder = control.parentElement ?? control;
  return { node: el("div", { class: "field" }, label, holder, hint), target: control };
}

function controlOf(option, { command, values, text }) {
  const set = (value) => values.set(option.name, value);
  const choose = (load) =>
    chooser({
      load,
      label: option.label,
      placeholder: t(option.required ? "choose" : "optional"),
      min: option.required ? 1 : 0,
      onChange: (chosen) => set(chosen[0]?.value ?? null),
    });
  if (option.choices?.length)
    return choose(among(option.choices.map(({ name, value }) => ({ label: name, value }))));
  if (option.type === BOOLEAN)
    return choose(
      among([
        { label: t("yes"), value: true },
        { label: t("no"), value: false },
      ]),
    );
  if (option.type in ENTITIES) return choose(loadOf(ENTITIES[option.type], option.channel_types));
  if (option.type === ATTACHMENT) {
    const node = el("input", { type: "file" });
    node.addEventListener("change", () => set(node.files[0] ?? null));
    return node;
  }
  return typedOption(option, { command, values, text });
}
