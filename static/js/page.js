// What every page has: the toggles, the "/" key, times in the chosen zone, copying.

import { isDark, isUtc, toggleTheme, toggleZone } from "./preferences.js";
import { startCopying } from "./copy.js";
import { showTimes } from "./times.js";

const zoneToggle = document.getElementById("zone-toggle");
const themeToggle = document.getElementById("theme-toggle");

function showChoices() {
  zoneToggle.textContent = isUtc() ? "UTC" : "Local";
  zoneToggle.setAttribute("aria-pressed", String(isUtc()));
  themeToggle.setAttribute("aria-pressed", String(isDark()));
}

function startToggles() {
  zoneToggle.addEventListener("click", toggleZone);
  themeToggle.addEventListener("click", toggleTheme);
  document.addEventListener("theme-change", showChoices);
  document.addEventListener("zone-change", showChoices);
  showChoices();
  zoneToggle.hidden = themeToggle.hidden = false;
}

const TYPING = "input, textarea, select, [contenteditable]";

function focusTraceBox(event) {
  const typing = event.target instanceof Element && event.target.closest(TYPING);
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) {
    return;
  }
  event.preventDefault();
  document.getElementById("find-trace").select();
}

startToggles();
startCopying(document);
document.addEventListener("keydown", focusTraceBox);
document.addEventListener("zone-change", () => showTimes(document));
// htmx may start before or after this module; showing a time twice is harmless.
document.addEventListener("htmx:load", (event) => showTimes(event.target));
showTimes(document);
