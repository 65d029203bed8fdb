// Instants as people read them, in the reader's own language and zone.

import { formatLocale, t } from "./language.js";

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
  s: { dateStyle: "short", timeStyle: "short" },
  S: { dateStyle: "short", timeStyle: "medium" },
};

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

const DISCORD_EPOCH = 1_420_070_400_000n;

/** Return an instant (ms) in one of Discord's styles, `R` is "in 5 minutes". */
export function formatTime(moment, style = "f") {
  if (Number.isNaN(new Date(moment).getTime())) return t("unknownTime");
  if (style === "R") return relative(moment);
  return new Intl.DateTimeFormat(formatLocale(), STYLES[style] ?? STYLES.f).format(moment);
}

function relative(moment) {
  const seconds = Math.round((moment - Date.now()) / 1000);
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  const words = new Intl.RelativeTimeFormat(formatLocale(), { numeric: "auto" });
  return words.format(Math.trunc(seconds / length), unit);
}

/** Return when an id was made, in ms. */
export function madeAt(id) {
  return Number((BigInt(id) >> 22n) + DISCORD_EPOCH);
}

/** Return when a message was written: the time today, else the day too. */
export function formatWhen(moment) {
  const today = new Date().toDateString() === new Date(moment).toDateString();
  return formatTime(moment, today ? "t" : "s");
}

/** Keep every `<time data-style="R">` in the page true. */
export function keepRelativeTimes() {
  setInterval(() => {
    for (const node of document.querySelectorAll('time[data-style="R"]')) {
      node.textContent = formatTime(Number(node.dataset.moment), "R");
    }
  }, 5_000);
}
