// The guilds, the channels of the open one, and who the person is.

import {
  actAsAdmin,
  leaveGuild,
  openChannel,
  openDirects,
  openGuild,
  writeToBot,
} from "./actions.js";
import { avatar, button, byId, el, hueOf, nameOf, refill } from "./dom.js";
import { openDoorway } from "./doorway.js";
import { channelIcon, THREADS } from "./entities.js";
import { icon } from "./icons.js";
import { said, t } from "./language.js";
import { languageSwitch } from "./languageswitch.js";
import { me, on, state } from "./store.js";

const CATEGORY = 4;

/** Connect the sidebar to the state. */
export function startSidebar() {
  on("guilds place", drawGuilds);
  on("guilds place channel", drawHeader);
  on("place channel unread", drawChannels);
  on("guilds place channel", drawPerson);
  const menu = byId("menu");
  const toggle = (open) => {
    document.body.classList.toggle("drawer-open", open);
    menu.setAttribute("aria-expanded", String(open));
  };
  menu.addEventListener("click", () => {
    toggle(true);
    const first = byId("channels").querySelector("button");
    (first ?? byId("guilds").querySelector("[aria-current]"))?.focus();
  });
  byId("scrim").addEventListener("click", () => toggle(false));
  byId("drawer").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !document.body.classList.contains("drawer-open")) return;
    toggle(false);
    menu.focus();
  });
  on("channel", () => toggle(false));
}

// -- guilds --

function drawGuilds() {
  const direct = railButton(icon("mail"), t("directs"), !state.guild, () => openDirects());
  const rail = state.guilds.map((guild) => {
    const label = guild.joined ? guild.name : t("notJoined", { name: guild.name });
    const node = railButton(initials(guild.name), label, state.guild?.id === guild.id, () =>
      openGuild(guild.id),
    );
    node.style.setProperty("--hue", hueOf(guild.id));
    node.classList.add("guild");
    node.classList.toggle("outside", !guild.joined);
    return node;
  });
  refill(
    byId("guilds"),
    el(
      "ul",
      {},
      [direct, ...rail].map((node) => el("li", {}, node)),
    ),
  );
}

function railButton(sign, label, current, open) {
  return button(sign, open, {
    class: "rail",
    title: label,
    "aria-label": label,
    "aria-current": current ? "page" : null,
    data: { key: label },
  });
}

function initials(name) {
  const words = name.trim().split(/\s+/);
  return words
    .slice(0, 2)
    .map((word) => [...word][0] ?? "")
    .join("")
    .toUpperCase();
}

// -- channels --

function drawHeader() {
  const guild = state.guild;
  const name = guild ? nameOf(guild.name) : t("directs");
  const leave =
    guild?.joined && !guild.owner ? button(t("leave"), leaveGuild, { class: "plain" }) : null;
  refill(byId("guild-header"), el("h2", {}, name), leave ?? "");
}

function drawChannels() {
  const list = el("ul", {}, state.guild ? guildChannels(state.guild) : directChannels());
  if (state.guild && !state.guild.joined)
    list.append(el("li", { class: "quiet" }, t("joinToSee")));
  refill(byId("channels"), list);
}

function guildChannels(guild) {
  const sorted = [...guild.channels].sort(
    (one, other) => one.position - other.position || one.id.localeCompare(other.id),
  );
  const threads = sorted.filter(
    (entry) => THREADS.includes(entry.type) && (!entry.archived || entry.id === state.channelId),
  );
  const plain = sorted.filter((entry) => !THREADS.includes(entry.type));
  const inside = (parentId) =>
    plain.filter((entry) => entry.type !== CATEGORY && entry.parent_id === parentId);
  const categories = plain.filter((entry) => entry.type === CATEGORY);
  const known = new Set(categories.map((entry) => entry.id));
  const loose = plain.filter((entry) => entry.type !== CATEGORY && !known.has(entry.parent_id));
  const rows = (entries) =>
    entries.flatMap((entry) => [
      channelRow(entry),
      ...threads.filter((thread) => thread.parent_id === entry.id).map(channelRow),
    ]);
  const grouped = categories.flatMap((entry) => [
    el("li", { class: "category" }, el("bdi", {}, entry.name)),
    ...rows(inside(entry.id)),
  ]);
  return [...rows(loose), ...grouped];
}

function channelRow(entry) {
  const unread = state.unread.has(entry.id) && entry.id !== state.channelId;
  const sign = el("span", { class: "sign" }, channelIcon(entry.type));
  const props = {
    class: `channel ${unread ? "unread" : ""} ${THREADS.includes(entry.type) ? "thread" : ""}`,
    "aria-current": entry.id === state.channelId ? "page" : null,
    "aria-label": unread ? t("unread", { name: entry.name }) : entry.name,
    disabled: !entry.textual,
    data: { key: entry.id },
  };
  return el(
    "li",
    {},
    button([sign, nameOf(entry.name)], () => openChannel(entry.id), props),
  );
}

function directChannels() {
  const rows = state.directs.map((entry) => {
    const unread = state.unread.has(entry.id) && entry.id !== state.channelId;
    const props = {
      class: `channel ${unread ? "unread" : ""}`,
      "aria-current": entry.id === state.channelId ? "page" : null,
      data: { key: entry.id },
    };
    const as =
      entry.as.id === state.visitor.id
        ? null
        : el("span", { class: "detail" }, said("onBehalfOf", { name: nameOf(entry.as.name) }));
    return el(
      "li",
      {},
      button(
        [avatar(entry.with, "small"), nameOf(entry.name), as],
        () => openChannel(entry.id),
        props,
      ),
    );
  });
  const bot =
    state.bot &&
    !state.directs.some(
      (entry) => entry.with.id === state.bot.id && entry.as.id === state.visitor.id,
    );
  if (bot)
    rows.push(
      el("li", {}, button(t("writeTo", { name: state.bot.name }), writeToBot, { class: "channel" })),
    );
  return rows;
}

// -- the person --

function drawPerson() {
  if (!state.visitor) return;
  const shown = me() ?? state.visitor;
  const name = button(
    [
      avatar(shown),
      el("span", { class: "who" }, nameOf(shown.name), el("span", { class: "detail" }, standing(shown))),
    ],
    () => openDoorway(),
    { class: "whoami", title: t("changeName"), data: { key: "whoami" } },
  );
  refill(byId("person"), name, adminSwitch(), languageSwitch());
}

/** Return what the person is here: in a guild their standing, elsewhere their username. */
function standing(person) {
  if (!state.guild) return person.username;
  if (!state.guild.joined) return t("outsider");
  return t(state.guild.owner ? "owner" : "member");
}

function adminSwitch() {
  const admin = state.visitor.admin;
  const look = button(t("actAsAdmin"), () => actAsAdmin(!admin), {
    class: "switch",
    role: "switch",
    "aria-checked": String(admin),
    "aria-describedby": "admin-means",
    data: { key: "look" },
  });
  return el("div", {}, look, el("p", { id: "admin-means", class: "detail" }, t("adminMeans")));
}
