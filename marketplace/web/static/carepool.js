// The only script on most pages: start the design system's components. Everything works without it.
import { initAll } from "./vendor/nhsuk-frontend.min.js";

document.body.classList.add("js-enabled", "nhsuk-frontend-supported");
initAll();

// A button that prints is shown where there is a script to do it.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// What htmx brings in anew (a checked form, a fresh table) gets its components too.
document.body.addEventListener("htmx:afterSettle", (event) => initAll({ scope: event.detail.elt }));
