// Copies what the pages need from node_modules into ../static/vendor (ignored by git). Run by `make` after `npm ci`.
//
//   nhsuk-frontend.min.css  without its two licensed fonts (they live on somebody else's host), with the icons beside
//                           it, and with the blues that mark an NHS site replaced by our custom properties, whose
//                           values are set in ../static/carepool.css
//   nhsuk-frontend.min.js   as it is
//   htmx.min.js             as it is
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const nhsuk = join(here, "node_modules/nhsuk-frontend/dist/nhsuk");
const vendor = join(here, "../static/vendor");

const OUR_COLOURS = {
  "#005eb8": "var(--accent)",
  "#003087": "var(--accent-dark)",
  "#002f5c": "var(--accent-dark)",
  "#004b93": "var(--accent-dark)",
  "#0055a6": "var(--accent-dark)",
  "#337ec6": "var(--accent-light)",
  "#d9e7f4": "var(--accent-tint)",
  "#c7dcef": "var(--accent-tint)",
};

rmSync(vendor, { recursive: true, force: true });
mkdirSync(join(vendor, "images"), { recursive: true });

let css = readFileSync(join(nhsuk, "nhsuk-frontend.min.css"), "utf8");
const fonts = css.match(/@font-face\{[^}]*\}/g) ?? [];
if (fonts.length !== 2) throw new Error(`expected 2 @font-face rules to cut, found ${fonts.length}: look at the new version`);
for (const font of fonts) css = css.replace(font, "");
css = css.replaceAll("Frutiger W01,", "").replaceAll("url(/assets/images/", "url(images/");
css = css.replace(/\/\*# sourceMappingURL=.*?\*\//, "");
for (const [theirs, ours] of Object.entries(OUR_COLOURS)) css = css.replaceAll(theirs, ours);
if (/url\((?!images\/|"?data:)/.test(css)) throw new Error("the stylesheet still points outside this site");
writeFileSync(join(vendor, "nhsuk-frontend.min.css"), css);

const script = readFileSync(join(nhsuk, "nhsuk-frontend.min.js"), "utf8");
writeFileSync(join(vendor, "nhsuk-frontend.min.js"), script.replace(/\/\/# sourceMappingURL=.*$/, ""));

for (const icon of readdirSync(join(nhsuk, "assets/images"))) {
  if (icon.startsWith("nhsuk-icon-") && icon.endsWith(".svg") && icon !== "nhsuk-icon-mask.svg") {
    cpSync(join(nhsuk, "assets/images", icon), join(vendor, "images", icon));
  }
}
cpSync(join(here, "node_modules/htmx.org/dist/htmx.min.js"), join(vendor, "htmx.min.js"));
