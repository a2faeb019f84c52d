// Pictures for the archive: sent as they are chosen, put in by a job, measured by another; then the gallery shows them.

import { attempt, notice } from "../layout.js";
import { followed, submit } from "./studio-jobs.js";
import { sendAll, takesFiles } from "./studio-pictures.js";
import { made, text } from "./studio-texts.js";

const $ = (id) => document.getElementById(id);
const sent = new Map();
/** How much is under way, of files being sent and of jobs: nothing is added meanwhile. */
let busy = 0;
/** Whether the gallery lacks what was added. */
let added = false;

function addresses() {
  return $("adding-addresses").value.split(/\s+/).filter(Boolean);
}

function ready() {
  $("adding-run").disabled = busy > 0 || !(sent.size || addresses().length);
  if (busy) return;
  $("adding-sent").textContent = sent.size ? text("sent", { names: [...sent.values()].join(", ") }) : "";
}

async function busyWith(work) {
  busy += 1;
  ready();
  try {
    await attempt(work);
  } finally {
    busy -= 1;
    ready();
  }
}

function taken({ reference, name, kind }) {
  if (kind !== "picture") throw new Error(text("film"));
  sent.set(reference, name);
}

takesFiles($("adding-drop"), (files) => busyWith(() => sendAll(files, $("adding-sending"), taken)));
$("adding-addresses").addEventListener("input", ready);
ready();

/** Do an operation as a job, and show how far it is. */
async function carriedOut(said, operation, inputs, fields) {
  const bar = $("adding-progress");
  $("adding-sent").textContent = said;
  bar.hidden = false;
  try {
    return await followed(await submit(operation, inputs, fields), (now) => {
      if (now.total) bar.value = now.share;
      else bar.removeAttribute("value");
    });
  } finally {
    bar.hidden = true;
  }
}

async function add() {
  const [references, asked] = [[...sent.keys()], $("adding-addresses").value];
  const job = await carriedOut(text("adding"), "archive-add", references, { addresses: addresses() });
  added = true;
  for (const reference of references) sent.delete(reference);
  if ($("adding-addresses").value === asked) $("adding-addresses").value = "";
  const failed = job.values.failures?.length ?? 0;
  if (failed) notice(text("some", { n: failed }), "error", made("a", { href: `/jobs/${job.id}`, textContent: text("job") }));
  if ($("adding-measure").checked) await carriedOut(text("measuring"), "archive-index", [], {});
  // Files that came meanwhile wait for another "Add".
  if (!failed && !sent.size && busy === 1) window.location.assign("/");
}

$("adding-form").addEventListener("submit", (event) => {
  event.preventDefault();
  busyWith(add);
});
$("adding").addEventListener("close", () => {
  if (added && !busy) window.location.reload();
});
