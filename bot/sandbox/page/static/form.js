// The forms (modals) that a bot opens.

import { post, Refusal } from "./api.js";
import { button, el, freshId } from "./dom.js";
import { field } from "./fields.js";
import { t } from "./language.js";
import { markdown } from "./markdown.js";
import { namesFor } from "./names.js";
import { problemLine } from "./notices.js";

const ROW = 1;
const TEXT_DISPLAY = 10;
const LABEL = 18;

/** Show a modal until it is submitted or closed. */
export function openForm(modal, interactionId) {
  const readers = new Map();
  const rows = modal.components.map((data) => row(data, readers));
  const problem = problemLine();
  const title = el("h2", { id: freshId("title"), dir: "auto" }, modal.title);
  const submit = el("button", { type: "submit", class: "primary" }, t("submit"));
  const close = button(t("cancel"), () => dialog.close());
  const form = el(
    "form",
    { method: "dialog" },
    title,
    rows,
    problem.node,
    el("div", { class: "foot" }, close, submit),
  );
  const dialog = el(
    "dialog",
    { class: "form", "aria-labelledby": title.id, on: { close: () => dialog.remove() } },
    form,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    problem.say(null);
    try {
      await post(`/interactions/${interactionId}/modal`, { values: await readAll(readers) });
      dialog.close();
    } catch (failure) {
      if (!(failure instanceof Refusal)) throw failure;
      problem.say(failure.message);
    } finally {
      submit.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}

async function readAll(readers) {
  const values = {};
  for (const [customId, read] of readers) values[customId] = await read();
  return values;
}

function row(data, readers) {
  if (data.type === TEXT_DISPLAY)
    return el("div", { class: "display" }, markdown(data.content, namesFor({})));
  if (data.type === ROW) {
    return data.components.map((child) => labelled(child, child.label ?? "", "", readers));
  }
  return data.type === LABEL
    ? labelled(data.component, data.label, data.description, readers)
    : null;
}

function labelled(data, label, description, readers) {
  const hint = description
    ? el("p", { class: "detail", id: freshId("hint"), dir: "auto" }, description)
    : null;
  const made = field(data, label, hint?.id);
  readers.set(data.custom_id, made.read);
  const star =
    data.required === false ? null : el("span", { class: "required", title: t("required") }, " *");
  const caption = el(
    made.id ? "label" : "span",
    { class: "caption", for: made.id, dir: "auto" },
    label,
    star,
  );
  if (!made.id) made.node.setAttribute("aria-label", label);
  return el("div", { class: "field" }, caption, hint, made.node);
}
