// Builds elements. Text only ever becomes text nodes, so nobody's words turn into markup.

let counter = 0;

/** Return an id that is free in this document. */
export function freshId(prefix) {
  counter += 1;
  return `${prefix}-${counter}`;
}

/**
 * Return a new element. `class`, `text`, `on` (event handlers), `data` and properties of the element
 * (`disabled`, `value`, …) are set as such; whatever else there is becomes an attribute.
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "on") listen(node, value);
    else if (name in node && !name.includes("-") && typeof value !== "string") node[name] = value;
    else if (name === "value") node.value = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(
    ...children
      .flat(Infinity)
      .filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

function listen(node, handlers) {
  for (const [event, handler] of Object.entries(handlers)) node.addEventListener(event, handler);
}

/** Return the element of this id in the page. */
export function byId(id) {
  return document.getElementById(id);
}

/** Return a name kept apart from what surrounds it, whichever way it is written. */
export function nameOf(text, props = {}) {
  return el("bdi", { ...props, class: `name ${props.class ?? ""}`.trim() }, text);
}

/** Return a colour as CSS, or null for Discord's "none". */
export function cssColor(number) {
  return number ? `#${(number & 0xffffff).toString(16).padStart(6, "0")}` : null;
}

/** Return a button. */
export function button(label, onClick, props = {}) {
  return el("button", { type: "button", ...props, on: { click: onClick } }, label);
}

/** Return a round picture of somebody: their own, or the first letter on a colour from their id. */
export function avatar(person, size = "") {
  const classes = `avatar ${size}`.trim();
  if (person.avatar)
    return el("img", { class: classes, src: person.avatar, alt: "", loading: "lazy" });
  const letter = [...person.name.trim()][0] ?? "?";
  const node = el("span", { class: classes, "aria-hidden": "true" }, letter.toUpperCase());
  node.style.setProperty("--hue", hueOf(person.id));
  return node;
}

/** Return a hue (degrees) that an id always gets. */
export function hueOf(id) {
  return String(
    [...String(id).slice(0, -3)].reduce((sum, digit) => (sum * 31 + Number(digit)) % 360, 7),
  );
}

/** Put new children into an area; the focus stays on what has the same `data-key`. */
export function refill(area, ...nodes) {
  const key = area.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  area.replaceChildren(...nodes);
  if (key)
    [...area.querySelectorAll("[data-key]")]
      .find((node) => node.dataset.key === key)
      ?.focus({ preventScroll: true });
}

/** Run `work` once, `delay` ms after the last of several calls. */
export function debounced(work, delay) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), delay);
  };
}
