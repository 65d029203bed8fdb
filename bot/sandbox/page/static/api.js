// Asks the sandbox. Refusals come as words for the person.

import { discordLocale, t } from "./language.js";

/** What the sandbox would not do; `message` says why, `status` is the HTTP status (0: not reached). */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Return the answer to a request under `/page`; raises Refusal. */
export async function ask(method, path, body) {
  // The sandbox words refusals, names commands and marks interactions in this language.
  const headers = { Accept: "application/json", "Accept-Language": discordLocale() };
  const options = { method, headers, credentials: "same-origin" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(`/page${path}`, options);
  } catch {
    throw new Refusal(t("unreachable"), 0);
  }
  const text = await response.text();
  let answer = {};
  try {
    answer = text ? JSON.parse(text) : {};
  } catch {
    answer = { error: text.slice(0, 200) };
  }
  if (!response.ok) throw new Refusal(answer.error || t("failed"), response.status);
  return answer;
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);
export const put = (path, body) => ask("PUT", path, body);
export const patch = (path, body) => ask("PATCH", path, body);
export const remove = (path, body) => ask("DELETE", path, body);

const LARGEST_FILES = 5 * 1024 * 1024;

/** Return chosen files as the sandbox takes them; raises Refusal when they are too large. */
export async function packFiles(files) {
  const total = [...files].reduce((sum, file) => sum + file.size, 0);
  if (total > LARGEST_FILES) throw new Refusal(t("tooLarge"), 413);
  return Promise.all([...files].map(packFile));
}

async function packFile(file) {
  const address = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Refusal(t("unreadable", { name: file.name }), 0));
    reader.readAsDataURL(file);
  });
  return { filename: file.name, data: address.slice(address.indexOf(",") + 1) };
}
