// The upload page: drop or choose files, see them go, land where they can be read.
// Without this script the form posts by itself.

import { formatSize, grouped } from "../lib/units.js";

const byId = (id) => document.getElementById(id);
const form = byId("upload-form");
const drop = byId("drop");
const input = byId("files");
const mostBytes = Number(form.dataset.mostBytes);
const mostFiles = Number(form.dataset.mostFiles);

let request = null;

// What is wrong.

function showProblem([title, ...reasons], advice = "") {
  byId("upload-problem-title").textContent = title;
  byId("upload-problem-advice").textContent = advice;
  byId("upload-problem-reasons").replaceChildren(...reasons.map(listItem));
  byId("upload-problem").hidden = false;
}

function listItem(text) {
  const item = document.createElement("li");
  item.textContent = text;
  return item;
}

const tooMany = (count) => [
  [`${grouped(count)} files are too many at once`],
  `Send at most ${mostFiles} at a time, or put many traces into one file, a line each.`,
];

const tooLarge = (size) => [
  [`${formatSize(size)} are too large`],
  `One upload may hold ${formatSize(mostBytes)}. Send fewer files at a time, pack them with gzip, or use manage.py import on the server.`,
];

function problemOf(files, size) {
  if (files.length > mostFiles) return tooMany(files.length);
  return size > mostBytes ? tooLarge(size) : null;
}

// What an answer says, or what its absence means.
function messagesOf({ status, responseText }) {
  try {
    return JSON.parse(responseText).errors.map(({ message }) => message);
  } catch {
    if (status === 403) return ["This page is too old. Open it anew, and send the files again."];
    return [`The server could not take the upload (${status}). Its log says why.`];
  }
}

// What is under way.

function nameOf(files) {
  return files.length === 1 ? files[0].name : `${grouped(files.length)} files`;
}

function showSending(files, size) {
  byId("upload-problem").hidden = true;
  byId("sending-what").textContent = nameOf(files);
  showShare(0, size);
  byId("sending-note").textContent = "Sending. Nothing is stored before all of it is here.";
  setSending(true);
  byId("sending-stop").hidden = false;
  byId("sending-stop").focus();
}

function showShare(sent, size) {
  byId("sending-bar").value = size ? sent / size : 1;
  byId("sending-share").textContent = `${formatSize(sent)} of ${formatSize(size)}`;
}

function showStoring() {
  byId("sending-bar").removeAttribute("value");
  byId("sending-stop").hidden = true; // what is here is stored, whoever listens
  byId("sending-note").textContent = "All of it is here. Reading it, and writing it to disk…";
  byId("announcer").textContent = "Sent. Storing.";
}

function setSending(sending) {
  form.hidden = sending;
  byId("sending").hidden = !sending;
}

// Sending. Not fetch: it does not tell how much has gone.

function send(files) {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  const problem = problemOf(files, size);
  if (problem) return showProblem(...problem);
  const body = new FormData();
  body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  for (const file of files) body.append(input.name, file);
  request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.upload.addEventListener("progress", ({ loaded }) => showShare(Math.min(loaded, size), size));
  request.upload.addEventListener("load", showStoring);
  request.addEventListener("load", () => land(request));
  request.addEventListener("error", () => fail(["The connection broke"], "Look whether the server still runs, and send the files again: nothing is counted twice."));
  showSending(files, size);
  request.send(body);
}

function land({ status, responseText }) {
  if (status === 201) return window.location.assign(JSON.parse(responseText).location);
  fail(messagesOf({ status, responseText }));
}

function fail(messages, advice) {
  setSending(false);
  showProblem(messages, advice);
  input.value = "";
  input.focus();
}

function stop() {
  request.abort();
  setSending(false);
  input.value = "";
  input.focus();
  byId("announcer").textContent = "Cancelled.";
}

// Dropping. A file dropped beside the field would otherwise replace the page.

const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");

function over(event) {
  if (!hasFiles(event)) return;
  event.preventDefault();
  drop.classList.toggle("over", !form.hidden);
}

function dropped(event) {
  if (!hasFiles(event)) return;
  event.preventDefault();
  drop.classList.remove("over");
  const files = [...event.dataTransfer.files];
  if (files.length && !form.hidden) send(files);
}

function left({ relatedTarget }) {
  if (!relatedTarget) drop.classList.remove("over");
}

function start() {
  form.classList.add("scripted");
  for (const node of form.querySelectorAll(".without-script")) node.hidden = true;
  for (const node of form.querySelectorAll(".with-script")) node.hidden = false;
  input.addEventListener("change", () => input.files.length && send([...input.files]));
  byId("sending-stop").addEventListener("click", stop);
  document.addEventListener("dragover", over);
  document.addEventListener("drop", dropped);
  document.addEventListener("dragleave", left);
  // Back from where the upload led: the form again, not what was under way.
  window.addEventListener("pageshow", ({ persisted }) => persisted && setSending(false));
}

start();
