// Buttons that copy: data-copy holds the text, or data-copy-from the id of an element.

const SHOWN_MS = 1500;

function textOf(button) {
  const source = document.getElementById(button.dataset.copyFrom ?? "");
  return source ? source.textContent : (button.dataset.copy ?? "");
}

function say(button, text) {
  document.getElementById("announcer").textContent = text;
  const before = (button.dataset.label ??= button.textContent);
  button.textContent = text;
  setTimeout(() => (button.textContent = before), SHOWN_MS);
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // no clipboard outside https and localhost
  }
}

function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

export function startCopying(root) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy], button[data-copy-from]");
    if (!button) return;
    say(button, (await copyText(textOf(button))) ? "copied" : "not copied");
  });
}
