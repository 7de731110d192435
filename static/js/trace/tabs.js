// Waterfall, statistics, slow spans, events: tabs are links; here they swap in place.

const page = document.getElementById("trace");
const panel = document.getElementById("panel");
const waterfall = document.getElementById("waterfall");
const tools = document.getElementById("waterfall-tools");

export function startTabs(goToSpan) {
  tools.hidden = page.dataset.tab !== "waterfall";
  page.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a[data-tab], a[data-panel], a[data-span]");
    if (!link) return;
    event.preventDefault();
    if (link.dataset.span) {
      openTab("waterfall");
      goToSpan(link.dataset.span);
    } else openTab(link.dataset.tab ?? "statistics", new URL(link.href));
  });
}

async function openTab(name, url = new URL(location.href)) {
  const address = new URL(location.href);
  const sort = url.searchParams.get("sort");
  setOrDelete(address, "tab", name === "waterfall" ? "" : name);
  setOrDelete(address, "sort", name === "statistics" ? sort : "");
  history.replaceState(null, "", address);
  if (name !== "waterfall") await fill(address);
  show(name);
}

function setOrDelete(url, name, value) {
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
}

function show(name) {
  page.dataset.tab = name;
  panel.hidden = name === "waterfall";
  waterfall.hidden = tools.hidden = name !== "waterfall";
  for (const link of page.querySelectorAll(".tabs a[data-tab]")) {
    if (link.dataset.tab === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function fill(address) {
  const response = await fetch(address, { headers: { "HX-Request": "true" } });
  if (!response.ok) return location.reload();
  window.htmx.swap(panel, await response.text(), { swapStyle: "innerHTML" });
}
