// A classic script that blocks the first paint: what the person chose is on <html>
// before anything is drawn, so that no page flashes in the other theme.
(() => {
  const root = document.documentElement;
  const stored = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be forbidden; then the choice lasts a page
    }
  };
  const theme = stored("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  root.dataset.zone = stored("zone") === "utc" ? "utc" : "local";
})();
