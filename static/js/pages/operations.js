// A page with a time range: choosing one shows it at once.

const form = document.getElementById("range-form");
form.addEventListener("change", () => form.requestSubmit());
