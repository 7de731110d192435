// The choices of the person: theme and time zone, kept in localStorage, told to the
// rest of the page as "theme-change" and "zone-change" on document.

const root = document.documentElement;

export function isDark() {
  const chosen = root.dataset.theme;
  if (chosen) return chosen === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

export function isUtc() {
  return root.dataset.zone === "utc";
}

function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Storage may be forbidden; then the choice lasts a page.
  }
  root.dataset[key] = value;
  document.dispatchEvent(new CustomEvent(`${key}-change`));
}

export const toggleTheme = () => keep("theme", isDark() ? "light" : "dark");
export const toggleZone = () => keep("zone", isUtc() ? "local" : "utc");

// The computed value of a colour of base.css ("accent", "error", …), as rgb().
// Custom properties come back unresolved, a real property comes back resolved.
export function themeColor(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  if (!root.dataset.theme) document.dispatchEvent(new CustomEvent("theme-change"));
});
