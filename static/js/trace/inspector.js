// The span beside the rows: fetched as HTML when it is selected, the last one wins.

const inspector = document.getElementById("inspector");
let fetching = null;

export function startInspector(state) {
  state.onChange(["selected"], () => show(state));
  inspector.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-span]")) close(state);
    const tab = event.target.closest("[role=tab]");
    if (tab) openTab(tab);
  });
  inspector.addEventListener("keydown", moveBetweenTabs);
}

export function close(state) {
  state.update({ selected: null });
  document.getElementById("scroller").focus();
}

async function show(state) {
  state.writeAddress();
  fetching?.abort();
  if (state.selected === null) return hide();
  fetching = new AbortController();
  const { signal } = fetching;
  try {
    const address = state.address(`span/${state.selected}`);
    const response = await fetch(address, { signal });
    fill(await response.text());
    state.update({ inspected: state.selected });
  } catch (error) {
    if (error.name !== "AbortError") fillText("The span could not be fetched. Try again.");
  }
}

function hide() {
  inspector.hidden = true;
  inspector.replaceChildren();
}

// The server has escaped what the span says. An open tab stays open for the next span.
function fill(html) {
  const open = inspector.querySelector("[role=tab][aria-selected=true]");
  const chosen = open?.getAttribute("aria-controls");
  inspector.hidden = false;
  window.htmx.swap(inspector, html, { swapStyle: "innerHTML" });
  inspector.scrollTop = 0;
  const tab = chosen && inspector.querySelector(`[aria-controls="${chosen}"]`);
  if (tab) openTab(tab);
}

function fillText(text) {
  inspector.hidden = false;
  const node = document.createElement("p");
  node.textContent = text;
  inspector.replaceChildren(node);
}

function openTab(chosen) {
  for (const tab of inspector.querySelectorAll("[role=tab]")) {
    const open = tab === chosen;
    tab.setAttribute("aria-selected", String(open));
    tab.tabIndex = open ? 0 : -1;
    document.getElementById(tab.getAttribute("aria-controls")).hidden = !open;
  }
}

function moveBetweenTabs(event) {
  const tab = event.target.closest("[role=tab]");
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  const tabs = [...inspector.querySelectorAll("[role=tab]")];
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  openTab(next);
  next.focus();
  event.stopPropagation();
}
