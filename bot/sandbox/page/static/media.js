// Pictures and files. Only what the sandbox itself keeps is loaded; the rest is linked.

import { el } from "./dom.js";
import { icon } from "./icons.js";
import { link } from "./inline.js";
import { formatLocale, t } from "./language.js";

const PICTURE = /\.(png|jpe?g|gif|webp)$/i;
const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Return the path of an address in the sandbox's own CDN, null for one elsewhere. */
export function ownPath(address) {
  try {
    const parsed = new URL(address, location.href);
    const here =
      parsed.host === location.host ||
      (LOOPBACK.has(parsed.hostname) && parsed.port === location.port);
    return here && parsed.pathname.startsWith("/cdn/") ? parsed.pathname : null;
  } catch {
    return null;
  }
}

/** Return a picture, or a link to one that is kept elsewhere. */
export function picture(address, { alt = "", cls = "picture" } = {}) {
  const path = ownPath(address);
  if (!path) return link(address, alt || t("pictureElsewhere"));
  return el("img", { class: cls, src: path, alt, loading: "lazy", decoding: "async" });
}

/** Return an attached file: a picture is shown, anything else can be downloaded. */
export function attachment(file) {
  const path = ownPath(file.url);
  if (!path) return link(file.url, file.filename);
  const name = el("bdi", {}, file.filename);
  if (file.content_type.startsWith("image/") || PICTURE.test(file.filename)) {
    const shown = picture(file.url, { alt: file.description || file.filename });
    return el("a", { href: path, target: "_blank", rel: "noopener", class: "file-picture" }, shown);
  }
  const size = el("span", { class: "detail" }, formatSize(file.size));
  return el("a", { href: path, download: file.filename, class: "file" }, icon("file"), name, size);
}

/** Return a size in bytes for people. */
export function formatSize(bytes) {
  if (bytes < 1024) return t("bytes", { count: bytes });
  const [unit, length] = bytes < 1024 ** 2 ? ["KB", 1024] : ["MB", 1024 ** 2];
  const number = new Intl.NumberFormat(formatLocale(), { maximumFractionDigits: 1 });
  return `${number.format(bytes / length)} ${unit}`;
}
