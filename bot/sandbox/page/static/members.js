// The people of the open guild, those with a role of their own first.

import { get } from "./api.js";
import { avatar, byId, cssColor, debounced, el, nameOf } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./language.js";
import { on, state } from "./store.js";

const NARROW = "(max-width: 1050px)";

/** Connect the list to the state. */
export function startMembers() {
  const soon = debounced(load, 1500);
  on("place", load);
  on("members", soon);
  const people = byId("people");
  const show = (open) => {
    document.body.classList.toggle("members-closed", !open);
    people.setAttribute("aria-expanded", String(open));
    if (open) load();
  };
  show(!matchMedia(NARROW).matches);
  matchMedia(NARROW).addEventListener("change", (event) => show(!event.matches));
  people.addEventListener("click", () => show(document.body.classList.contains("members-closed")));
  on("channel", () => matchMedia(NARROW).matches && show(false));
}

async function load() {
  const guild = state.guild;
  byId("people").hidden = !guild?.joined;
  if (!guild?.joined) {
    byId("members").replaceChildren();
    return;
  }
  if (document.body.classList.contains("members-closed")) return;
  const answer = await get(`/guilds/${guild.id}/members`).catch(() => null);
  if (answer && state.guild?.id === guild.id) draw(answer, guild);
}

function draw({ members, count }, guild) {
  const roles = guild.roles
    .filter((role) => role.hoist)
    .sort((one, other) => other.position - one.position);
  const groups = roles.map((role) => [
    role.name,
    members.filter((entry) => entry.hoist === role.id),
  ]);
  groups.push([t("everyoneElse"), members.filter((entry) => !entry.hoist)]);
  const shown = groups
    .filter(([, people]) => people.length)
    .flatMap(([title, people]) => [
      el("h2", {}, el("bdi", {}, title)),
      el("ul", {}, people.map(row)),
    ]);
  const rest = count - members.length;
  if (rest > 0) shown.push(el("p", { class: "quiet" }, t("andMore", { count: rest })));
  byId("members").replaceChildren(el("p", { class: "count" }, t("memberCount", { count })), ...shown);
}

function row(person) {
  const name = nameOf(person.name, { title: person.username });
  const color = cssColor(person.color);
  if (color) name.style.setProperty("--name", color);
  const badge = person.bot ? el("span", { class: "badge" }, "APP") : null;
  const crown = person.owner ? crownOf() : null;
  return el("li", { class: "member" }, avatar(person, "small"), name, badge, crown);
}

function crownOf() {
  const label = t("owner");
  return el("span", { class: "crown", role: "img", "aria-label": label, title: label }, icon("crown"));
}
