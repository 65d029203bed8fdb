// What can be completed while the person writes: commands after "/", people after "@", channels after "#".

import { loadOf } from "./entities.js";
import { state } from "./store.js";

const CHAT_INPUT = 1;
const NESTED = [1, 2]; // subcommand and group
const MOST = 30;
const MENTION = /(?:^|\s)([@#])([^\s@#<>]{0,32})$/;

/** Return every command that can be used here: `{path, description, options}`. */
export function leaves(commands = state.commands) {
  return commands
    .filter((command) => command.type === CHAT_INPUT)
    .flatMap((command) => unfold(command, []))
    .sort((one, other) => one.path.localeCompare(other.path));
}

function unfold(step, before) {
  const path = [...before, step.name];
  const inner = (step.options ?? []).filter((option) => NESTED.includes(option.type));
  if (inner.length) return inner.flatMap((option) => unfold(option, path));
  return [
    { path: path.join(" "), description: step.description ?? "", options: step.options ?? [] },
  ];
}

/** Return the command that a text begins with, and what follows it; null when there is none. */
export function fromText(text) {
  const typed = text.slice(1).trimStart();
  const found = leaves()
    .filter((leaf) => typed === leaf.path || typed.startsWith(`${leaf.path} `))
    .sort((one, other) => other.path.length - one.path.length)[0];
  return found ? { command: found, rest: typed.slice(found.path.length).trim() } : null;
}

/** Return what fits the text before the caret, as options of a listbox. */
export async function suggestions(text, caret) {
  if (text.startsWith("/") && !text.includes("\n")) return commandsLike(text);
  const found = MENTION.exec(text.slice(0, caret));
  if (!found) return [];
  const [, sign, typed] = found;
  const range = [caret - typed.length - 1, caret];
  const kind = sign === "@" ? "mentionable" : "channel";
  const options = await loadOf(kind)(typed);
  return options
    .slice(0, 10)
    .map((option) => ({ ...option, value: asMention(option, sign), range }));
}

function asMention(option, sign) {
  if (sign === "#") return `<#${option.value}>`;
  return option.detail === "role" ? `<@&${option.value}>` : `<@${option.value}>`;
}

function commandsLike(text) {
  const exact = fromText(text);
  if (exact?.rest) return [optionOf(exact.command, exact.rest)];
  const typed = text.slice(1).trim().toLowerCase();
  const all = leaves();
  const first = all.filter((leaf) => leaf.path.startsWith(typed));
  const more = all.filter((leaf) => !leaf.path.startsWith(typed) && leaf.path.includes(typed));
  return [...first, ...more].slice(0, MOST).map((leaf) => optionOf(leaf, ""));
}

function optionOf(leaf, rest) {
  return {
    label: `/${leaf.path}`,
    detail: leaf.description,
    value: leaf.path,
    command: leaf,
    rest,
  };
}
