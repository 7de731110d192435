// The services page: choosing a time range shows it at once.

const form = document.getElementById("services-form");
form.addEventListener("change", () => form.requestSubmit());
