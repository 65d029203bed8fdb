// The way in: a name, and what this place is.

import { post } from "./api.js";
import { takeState } from "./actions.js";
import { button, el } from "./dom.js";
import { attempt } from "./notices.js";
import { changed, state } from "./store.js";

const REMEMBERED = "sandbox-name";

/** Ask for a name until there is one; resolves when the browser has an account. */
export function openDoorway() {
  return new Promise((resolve) => {
    const known = Boolean(state.visitor);
    const name = el("input", {
      type: "text",
      id: "doorway-name",
      required: true,
      maxlength: 32,
      autocomplete: "nickname",
      dir: "auto",
    });
    name.value = state.visitor?.name ?? localStorage.getItem(REMEMBERED) ?? "";
    const enter = el("button", { type: "submit", class: "primary" }, known ? "Save" : "Come in");
    const cancel = known ? button("Cancel", () => dialog.close()) : null;
    const form = el(
      "form",
      { method: "dialog" },
      el("h2", { id: "doorway-title" }, known ? "Your name" : "A simulated Discord"),
      known
        ? null
        : el(
            "p",
            {},
            "Nothing here is real, all of it works: the people are scripted, ",
            "the bot is the one you would run. Come in, talk to them and try its commands.",
          ),
      el(
        "div",
        { class: "field" },
        el("label", { class: "caption", for: "doorway-name" }, "What should they call you?"),
        name,
      ),
      el("div", { class: "foot" }, cancel, enter),
    );
    const dialog = el(
      "dialog",
      { class: "form doorway", "aria-labelledby": "doorway-title" },
      form,
    );
    dialog.addEventListener("cancel", (event) => !known && event.preventDefault());
    dialog.addEventListener("close", () => {
      if (!state.visitor) {
        dialog.showModal();
        return;
      }
      dialog.remove();
      resolve();
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const answer = await attempt(() => post("/visitors", { name: name.value }));
      if (!answer) return;
      localStorage.setItem(REMEMBERED, name.value);
      takeState(answer);
      changed("place");
      dialog.close();
    });
    document.body.append(dialog);
    dialog.showModal();
    name.select();
  });
}
