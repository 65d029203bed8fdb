// The way in: a name, a language, and what this place is.

import { post, Refusal } from "./api.js";
import { takeState } from "./actions.js";
import { button, el } from "./dom.js";
import { t } from "./language.js";
import { languageSwitch } from "./languageswitch.js";
import { problemLine } from "./notices.js";
import { changed, on, state } from "./store.js";

const REMEMBERED = "sandbox-name";

let redraw = () => {};
on("language", () => redraw());

/** Ask for a name until there is one; resolves when the browser has an account. */
export function openDoorway() {
  return new Promise((resolve) => {
    const dialog = el("dialog", { class: "form doorway", "aria-labelledby": "doorway-title" });
    const name = nameBox();
    redraw = () => {
      dialog.replaceChildren(doorway(name, dialog));
      dialog.querySelector(".languages [aria-pressed=true]")?.focus();
    };
    redraw();
    dialog.addEventListener("cancel", (event) => !state.visitor && event.preventDefault());
    dialog.addEventListener("close", () => {
      if (!state.visitor) {
        dialog.showModal();
        return;
      }
      redraw = () => {};
      dialog.remove();
      resolve();
    });
    document.body.append(dialog);
    dialog.showModal();
    name.select();
  });
}

function nameBox() {
  const name = el("input", {
    type: "text",
    id: "doorway-name",
    required: true,
    maxlength: 32,
    autocomplete: "nickname",
    dir: "auto",
  });
  name.value = state.visitor?.name ?? localStorage.getItem(REMEMBERED) ?? "";
  return name;
}

function doorway(name, dialog) {
  const known = Boolean(state.visitor);
  const problem = problemLine();
  const enter = el("button", { type: "submit", class: "primary" }, t(known ? "save" : "comeIn"));
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: "doorway-title" }, t(known ? "yourName" : "doorTitle")),
    known ? null : el("p", {}, t("doorText")),
    el(
      "div",
      { class: "field" },
      el("label", { class: "caption", for: name.id }, t("nameQuestion")),
      name,
    ),
    problem.node,
    el(
      "div",
      { class: "foot" },
      known ? null : languageSwitch(),
      known ? button(t("cancel"), () => dialog.close()) : null,
      enter,
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await enterAs(name.value, problem, dialog);
  });
  return form;
}

async function enterAs(name, problem, dialog) {
  problem.say(null);
  try {
    takeState(await post("/visitors", { name }));
  } catch (failure) {
    if (!(failure instanceof Refusal)) throw failure;
    problem.say(failure.message);
    return;
  }
  localStorage.setItem(REMEMBERED, name);
  changed("place");
  dialog.close();
}
