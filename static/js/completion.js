// Fills a <datalist> from the REST API while a person types.

const PAUSE_MS = 150;

export function fillOptions(list, texts) {
  list.replaceChildren(
    ...texts.map((text) => {
      const option = document.createElement("option");
      option.value = text;
      return option;
    }),
  );
}

export async function fetchJson(url, signal) {
  const response = await fetch(url, { headers: { Accept: "application/json" }, signal });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

// `ask(text)` gives a URL or null; `read(body)` gives the texts to offer. The last
// question wins; one that cannot be answered offers nothing.
export function complete(input, ask, read) {
  const list = input.list;
  let timer, asked;
  async function refresh() {
    const url = ask(input.value);
    if (url === asked) return;
    asked = url;
    try {
      const texts = url ? read(await fetchJson(url)) : [];
      if (url === asked) fillOptions(list, texts);
    } catch {
      fillOptions(list, []);
    }
  }
  input.addEventListener("focus", refresh);
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, PAUSE_MS);
  });
}
