// Jobs: put into the queue, followed by the server's events, cancelled; and what came of them.

import { send } from "../layout.js";
import { text } from "./studio-texts.js";

const ENDED = new Set(["done", "failed", "cancelled"]);
const REFUSED_MS = 5000;
const heeded = new Map();
let stream = null;

/** Put an operation into the queue; its job. */
export function submit(operation, inputs, fields, addToArchive = false) {
  const json = { operation, inputs, fields, add_to_archive: addToArchive };
  return send("/api/v1/jobs", { method: "POST", json });
}

/** Follow a job until it is done; `told(job)` hears each change. Throws what a failed job says, and of one that was
    cancelled that it was, marked `cancelled`. */
export function followed(job, told) {
  return new Promise((resolve, reject) => {
    const heard = (now) => {
      told(now);
      if (!ENDED.has(now.state)) return;
      heeded.get(now.id)?.delete(heard);
      if (now.state === "done") resolve(now);
      else if (now.state === "cancelled") reject(Object.assign(new Error(text("jobCancelled")), { cancelled: true, job: now }));
      else reject(Object.assign(new Error(now.error?.what ?? now.state), { remedy: now.error?.remedy ?? "", job: now }));
    };
    // Two pictures of the same bytes are one job: several may listen to it.
    heeded.set(job.id, (heeded.get(job.id) ?? new Set()).add(heard));
    heard(job);
    if (ENDED.has(job.state)) return;
    if (!stream || stream.readyState === EventSource.CLOSED) begin();
    else if (stream.readyState === EventSource.OPEN) lookAgain();
  });
}

function tell(job) {
  for (const heard of [...(heeded.get(job.id) ?? [])]) heard(job);
}

/** One stream for all jobs: a browser opens but six connections to a server. One that was refused (too many at a time,
    or nobody logged in) is closed for good: it is asked for again, and meanwhile the jobs themselves. */
function begin() {
  stream = new EventSource("/api/v1/jobs/events");
  stream.addEventListener("open", lookAgain);
  stream.addEventListener("job", (event) => {
    const job = JSON.parse(event.data);
    if (!heeded.get(job.id)?.size) return;
    if (job.brief && ENDED.has(job.state)) send(`/api/v1/jobs/${job.id}`).then(tell, () => tell(job));
    else tell(job);
  });
  stream.addEventListener("error", (event) => {
    if (event.target !== stream || stream.readyState !== EventSource.CLOSED) return;
    setTimeout(() => {
      if (event.target === stream) begin();
      lookAgain();
    }, REFUSED_MS);
  });
}

/** Ask for what may have changed before the stream was there. */
function lookAgain() {
  for (const [id, listeners] of heeded) if (listeners.size) send(`/api/v1/jobs/${id}`).then(tell, () => {});
}

/** Pass a failure on, unless it is a job that was cancelled: a list of pictures says so at the picture. */
export function unlessCancelled(failure) {
  if (!failure.cancelled) throw failure;
}

/** Cancel a job. */
export function cancel(job) {
  return send(`/api/v1/jobs/${job.id}/cancel`, { method: "POST" });
}

const MAPS = [".damage.png", ".change.png", ".confidence.png"];

/** What a job on one picture left: its result, its record, its maps, each a file or undefined. */
export function outcome(job) {
  const ending = (end) => job.files.find((file) => file.name.endsWith(end));
  const result = job.files.find((file) => !file.name.endsWith(".json") && !file.name.endsWith(".jsonl") && !MAPS.some((end) => file.name.endsWith(end)));
  return { job, result, record: ending(".treatment.json"), damage: ending(MAPS[0]), change: ending(MAPS[1]) };
}

/** What a result is called when it is downloaded: as the picture, with the ending that it has. */
export function nameOf(entry, file) {
  return entry.name.replace(/\.[a-z]{3,4}$/i, "") + file.name.slice(file.name.lastIndexOf("."));
}

/** The reference of a file of a job. */
export function referenceOf(job, file) {
  return `job:${job.id}/${file.name}`;
}

window.addEventListener("pagehide", () => stream?.close());
