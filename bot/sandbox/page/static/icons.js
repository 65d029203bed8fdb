// The page's own icons, drawn as lines on a grid of 24 by 24.

const NAMESPACE = "http://www.w3.org/2000/svg";
const LINES = {
  menu: "M4 7h16M4 12h16M4 17h16",
  people:
    "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.6-3.4 3.1-5 6.5-5s5.9 1.6 6.5 5M15.5 4.8a3.5 3.5 0 0 1 0 6.4M18 14.9c2 .6 3.2 2.2 3.6 4.6",
  mail: "M3.5 6h17v12.5h-17zM4 6.5l8 6.5 8-6.5",
  crown: "M4 18.5h16M4.5 15 3.5 7l5 3.5L12 5l3.5 5.5 5-3.5-1 8z",
  hash: "M9.5 4l-2 16M16.5 4l-2 16M4.5 9h16M3.5 15h16",
  speaker: "M4 9.5v5h3.5l5 4v-13l-5 4zM16 9a4.2 4.2 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11",
  folder: "M3.5 6h6l2 2.5h9V18.5h-17z",
  thread: "M6 4v7a4 4 0 0 0 4 4h9M15 11l4 4-4 4",
  smile:
    "M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM8.5 14.2c1.8 2.3 5.2 2.3 7 0M9 9.5v.6M15 9.5v.6",
  reply: "M10 6l-6 6 6 6M4.5 12H14a6 6 0 0 1 6 6",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  pencil: "M5 19l.8-4L16 4.8 19.2 8 9 18.2zM13.8 7l3.2 3.2",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10.5 11v5M13.5 11v5",
  plus: "M12 5v14M5 12h14",
  send: "M4.5 4.5l16 7.5-16 7.5 2.5-7.5zM7 12h7",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  down: "M6.5 9.5l5.5 5.5 5.5-5.5",
  arrowDown: "M12 5v14M6 13l6 6 6-6",
  check: "M5 12.5l4.5 4.5L19 7.5",
  file: "M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 12h6M9 16h6",
  external: "M14 4.5h5.5V10M19.5 4.5l-8 8M17.5 14v5.5h-13v-13H10",
  eye: "M2.5 12c2.4-4.4 5.6-6.5 9.5-6.5s7.1 2.1 9.5 6.5c-2.4 4.4-5.6 6.5-9.5 6.5S4.9 16.4 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
};

/** Return an icon; what it means is for the text beside it, or the label of its button, to say. */
export function icon(name) {
  const node = document.createElementNS(NAMESPACE, "svg");
  node.setAttribute("viewBox", "0 0 24 24");
  node.setAttribute("class", "glyph");
  node.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NAMESPACE, "path");
  path.setAttribute("d", LINES[name]);
  node.append(path);
  return node;
}
