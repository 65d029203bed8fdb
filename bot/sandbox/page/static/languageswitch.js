// The choice of the page's language.

import { button, el } from "./dom.js";
import { LANGUAGES, language, speak, t } from "./language.js";
import { changed } from "./store.js";

/** Return a button for each language; the page hears of a change as "language". */
export function languageSwitch() {
  const buttons = LANGUAGES.map(([code, name]) =>
    button(
      name,
      () => {
        speak(code);
        changed("language");
      },
      {
        class: "plain",
        lang: code,
        "aria-pressed": String(code === language()),
        data: { key: `language-${code}` },
      },
    ),
  );
  return el("div", { class: "languages", role: "group", "aria-label": t("language") }, buttons);
}
