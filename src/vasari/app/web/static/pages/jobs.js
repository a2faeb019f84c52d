// The jobs as they go: the server tells each change, a row is moved on in place, and fetched anew where more changed.

import { attempt, send } from "../layout.js";

const list = document.getElementById("jobs");
const live = document.getElementById("live");
const whole = document.getElementById("job")?.dataset.whole;

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
  const focused = row?.contains(document.activeElement);
  if (row) row.replaceWith(made);
  else list.prepend(made);
  document.getElementById("no-jobs")?.remove();
  if (focused) made.querySelector("a").focus();
}

async function changed(job) {
  const row = document.getElementById(`job-${job.id}`);
  if (row && Number(row.dataset.version) >= job.version) return;
  if (!row && (whole || (list.dataset.state && list.dataset.state !== job.state))) return;
  const bar = row?.querySelector("progress");
  if (row && bar && row.dataset.state === job.state && !job.cancel_wanted) {
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

for (const row of list.querySelectorAll(".job")) {
  const seconds = row.querySelector(".job-left")?.dataset.seconds;
  if (seconds) showLeft(row, Number(seconds));
}
