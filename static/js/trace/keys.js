// The keys of the waterfall; the dialog of templates/traces/_trace_keys.html lists them.

const TYPING = "input, textarea, select, [contenteditable], dialog";
const dialog = document.getElementById("help");

export function startKeys(actions) {
  document.getElementById("help-open").addEventListener("click", () => dialog.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target instanceof Element && event.target.closest(TYPING)) return;
    if (document.getElementById("waterfall").hidden) return;
    const action = everywhere(actions)[event.key] ?? inGrid(event, actions)[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

const everywhere = (actions) => ({
  "?": () => dialog.showModal(),
  f: actions.find,
  e: actions.expandAll,
  c: actions.collapseAll,
  p: actions.togglePath,
  "[": actions.zoomOut,
  "]": actions.zoomIn,
  z: actions.zoomToSpan,
  Escape: actions.reset,
});

// Arrow keys mean the rows only when nothing else has the focus.
function inGrid(event, actions) {
  const target = event.target;
  const free = target === document.body || target.id === "content" || target.id === "scroller";
  if (!free) return {};
  return {
    ArrowDown: () => actions.move(1),
    ArrowUp: () => actions.move(-1),
    PageDown: () => actions.moveScreen(1),
    PageUp: () => actions.moveScreen(-1),
    Home: actions.first,
    End: actions.last,
    ArrowRight: actions.right,
    ArrowLeft: actions.left,
    Enter: actions.open,
    " ": actions.open,
  };
}
