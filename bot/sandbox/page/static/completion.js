// What can be completed while the person writes: commands after "/", people after "@", channels after "#".

import { loadOf } from "./entities.js";
import { state } from "./store.js";

const CHAT_INPUT = 1;
const NESTED = [1, 2]; // subcommand and group
const MOST = 30;
const MENTION = /(?:^|\s)([@#])([^\s@#<>]{0,32})$/;

/** Return every command that can be used here: `{path, label, description, options}`. */
export function leaves(commands = state.commands) {
  return commands
    .filter((command) => command.type === CHAT_INPUT)
    .flatMap((command) => unfold(command, []))
    .sort((one, other) => one.label.localeCompare(other.label));
}

function unfold(step, before) {
  const steps = [...before, step];
  const inner = step.options.filter((option) => NESTED.includes(option.type));
  if (inner.length) return inner.flatMap((option) => unfold(option, steps));
  const { description, options } = step;
  const joined = (key) => steps.map((entry) => entry[key]).join(" ");
  return [{ path: joined("name"), label: joined("label"), description, options }];
}

/** Return the command that a text begins with, and what follows it; null when there is none. */
export function fromText(text) {
  const typed = text.slice(1).trimStart();
  const found = leaves()
    .flatMap((leaf) => namesOf(leaf).map((name) => ({ leaf, name })))
    .filter(({ name }) => typed === name || typed.startsWith(`${name} `))
    .sort((one, other) => other.name.length - one.name.length)[0];
  return found ? { command: found.leaf, rest: typed.slice(found.name.length).trim() } : null;
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
  return option.isRole ? `<@&${option.value}>` : `<@${option.value}>`;
}

function commandsLike(text) {
  const exact = fromText(text);
  if (exact?.rest) return [optionOf(exact.command, exact.rest)];
  const typed = text.slice(1).trim().toLowerCase();
  const all = leaves();
  const begins = (leaf) => namesOf(leaf).some((name) => name.startsWith(typed));
  const has = (leaf) => namesOf(leaf).some((name) => name.includes(typed));
  const more = all.filter((leaf) => !begins(leaf) && has(leaf));
  return [...all.filter(begins), ...more].slice(0, MOST).map((leaf) => optionOf(leaf, ""));
}

/** Return what a command is called: in the reader's language, and as it is registered. */
function namesOf(leaf) {
  return [leaf.label, leaf.path];
}

function optionOf(leaf, rest) {
  return {
    label: `/${leaf.label}`,
    detail: leaf.description,
    value: leaf.path,
    command: leaf,
    rest,
  };
}
