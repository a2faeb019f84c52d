// The jobs as they go: the server tells each change, a row is moved on in place, and fetched anew where more changed.

import { attempt, send } from "../layout.js";

const list = document.getElementById("jobs");
const live = document.getElementById("live");
const whole = document.getElementById("job")?.dataset.whole;
const isLaterPage = new URLSearchParams(window.location.search).has("before");
const RENEWED_MS = 300;
/** The state that each job was last heard in. */
const states = new Map();

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
  return minutes ? `${minutes}:${String(Math.floor(seconds % 60)).padStart(2, "0")} min` : `${Math.ceil(seconds)} s`;
}

function showLeft(row, seconds) {
  const left = row.querySelector(".job-left");
  if (left) left.textContent = seconds === null ? "" : list.dataset.left.replace("{time}", duration(seconds));
}

async function renew(row, id) {
  const answer = await send(`/jobs/${id}/row`, { headers: { Accept: "text/html" } });
  const made = document.createRange().createContextualFragment(await answer.text()).querySelector(".job");
  const focused = row.contains(document.activeElement);
  row.replaceWith(made);
  if (focused) made.querySelector("a").focus();
}

/** Fetch anew, by htmx and soon, what the server counts and lists: of many changes at once, once. */
const waiting = new Set();
function renewSoon(element) {
  if (!waiting.size) setTimeout(() => {
    for (const one of waiting) window.htmx.trigger(one, "renew");
    waiting.clear();
  }, RENEWED_MS);
  waiting.add(element);
}

/** Whether a job is moved on in its row; where the list or its counts are others now, they are asked for. */
function fits(job, row) {
  if (whole) return Boolean(row);
  const hasMoved = (states.get(job.id) ?? row?.dataset.state) !== job.state;
  states.set(job.id, job.state);
  if (hasMoved) renewSoon(document.getElementById("by-state"));
  const isOfList = !list.dataset.state || list.dataset.state === job.state;
  if (row && isOfList) return true;
  if (hasMoved && (row || (isOfList && !isLaterPage))) renewSoon(list);
  return false;
}

async function changed(job) {
  const row = document.getElementById(`job-${job.id}`);
  if (row && Number(row.dataset.version) >= job.version) return;
  if (!fits(job, row)) return;
  const bar = row.querySelector("progress");
  if (bar && row.dataset.state === job.state && !job.cancel_wanted) {
    row.dataset.version = job.version;
    bar.value = job.share;
    row.querySelector(".job-words").textContent = job.words;
    showLeft(row, job.seconds_left);
  } else if (whole && ["done", "failed", "cancelled"].includes(job.state)) {
    window.location.reload();
  } else {
    await renew(row, job.id);
  }
}

// One after the other: a row that is being fetched must not be fetched twice.
let last = Promise.resolve();
const stream = new EventSource(whole ? `/api/v1/jobs/${whole}/events` : "/api/v1/jobs/events");
stream.addEventListener("open", () => { live.textContent = live.dataset.live; });
stream.addEventListener("job", (event) => {
  const job = JSON.parse(event.data);
  last = last.then(() => attempt(() => changed(job)));
  if (whole && ["done", "failed", "cancelled"].includes(job.state)) stream.close();
});
stream.addEventListener("error", () => { live.textContent = live.dataset.lost; });
window.addEventListener("pagehide", () => stream.close());

list.addEventListener("submit", (event) => {
  const form = event.target.closest(".job-action");
  if (!form || event.defaultPrevented) return;
  event.preventDefault();
  attempt(() => send(form.dataset.address, { method: "POST" }).then(changed));
});

function showAllLeft() {
  for (const row of list.querySelectorAll(".job")) {
    const seconds = row.querySelector(".job-left")?.dataset.seconds;
    if (seconds) showLeft(row, Number(seconds));
  }
}
let focused;
list.addEventListener("htmx:beforeSwap", () => {
  focused = list.contains(document.activeElement) ? document.activeElement.closest(".job").id : "";
});
list.addEventListener("htmx:afterSwap", () => {
  showAllLeft();
  if (focused) document.getElementById(focused)?.querySelector("a").focus();
});
showAllLeft();
