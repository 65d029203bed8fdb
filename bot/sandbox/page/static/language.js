// The language the page is in: the one chosen last, else the browser's.

import english from "./english.js";
import spanish from "./spanish.js";

const REMEMBERED = "sandbox-language";
const TEXTS = { en: english, es: spanish };
const DISCORD_LOCALES = { en: "en-US", es: "es-ES" };
const HOLE = /\{(\w+)\}/;

/** What can be chosen: code and own name. */
export const LANGUAGES = [
  ["en", "English"],
  ["es", "Español"],
];

let current = known(localStorage.getItem(REMEMBERED)) ?? preferred();

function known(code) {
  return Object.hasOwn(TEXTS, code ?? "") ? code : null;
}

function preferred() {
  const codes = navigator.languages.map((tag) => known(tag.slice(0, 2).toLowerCase()));
  return codes.find((code) => code !== null) ?? "en";
}

/** Return the code of the language. */
export function language() {
  return current;
}

/** Speak another language from now on, also next time. */
export function speak(code) {
  current = code;
  localStorage.setItem(REMEMBERED, code);
}

/** Return the language as Discord names it, the `locale` of interactions. */
export function discordLocale() {
  return DISCORD_LOCALES[current];
}

/** Return the language as dates and numbers need it: with the reader's own region if it has one. */
export function formatLocale() {
  return navigator.languages.find((tag) => tag.slice(0, 2).toLowerCase() === current) ?? current;
}

/** Return a text of the page with values in its holes. */
export function t(key, values = {}) {
  return said(key, values).join("");
}

/** Return a text of the page as a list of strings and the nodes that were given for its holes. */
export function said(key, values) {
  const parts = TEXTS[current][key].split(HOLE);
  // Every other part is what stood between braces.
  return parts.map((part, index) => (index % 2 ? values[part] : part)).filter((part) => part !== "");
}
