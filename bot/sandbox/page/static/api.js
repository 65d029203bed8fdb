// Asks the sandbox. Refusals come as words for the person.

/** What the sandbox would not do; `message` says why, `status` is the HTTP status (0: not reached). */
export class Refusal extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Return the answer to a request under `/page`; raises Refusal. */
export async function ask(method, path, body) {
  const options = { method, headers: { Accept: "application/json" }, credentials: "same-origin" };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let response;
  try {
    response = await fetch(`/page${path}`, options);
  } catch {
    throw new Refusal("The sandbox can't be reached. Is the demo still running?", 0);
  }
  const text = await response.text();
  let answer = {};
  try {
    answer = text ? JSON.parse(text) : {};
  } catch {
    answer = { error: text.slice(0, 200) };
  }
  if (!response.ok) throw new Refusal(answer.error || "That did not work.", response.status);
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
  if (total > LARGEST_FILES) throw new Refusal("Files may have 5 MB in all.", 413);
  return Promise.all([...files].map(packFile));
}

async function packFile(file) {
  const address = await new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Refusal(`${file.name} can't be read.`, 0));
    reader.readAsDataURL(file);
  });
  return { filename: file.name, data: address.slice(address.indexOf(",") + 1) };
}
