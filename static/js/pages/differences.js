// The page of differences: the fields of what is chosen, and a new question at once.

const form = document.getElementById("question");

function showFields() {
  const pick = form.elements.namedItem("pick").value;
  for (const field of form.querySelectorAll("[data-for]")) field.hidden = field.dataset.for !== pick;
  return pick;
}

function ask({ target }) {
  if (target.name === "pick" && showFields() === "where") {
    form.elements.namedItem("where").focus();
  } else if (target.matches("select")) {
    form.requestSubmit();
  }
}

form?.addEventListener("change", ask);
