// Pictures for the archive: sent as they are chosen, put in by a job, measured by another; then the gallery shows them.

import { attempt, notice } from "../layout.js";
import { followed, submit } from "./studio-jobs.js";
import { sendAll, takesFiles } from "./studio-pictures.js";
import { text } from "./studio-texts.js";

const $ = (id) => document.getElementById(id);
const sent = new Map();

function addresses() {
  return $("adding-addresses").value.split(/\s+/).filter(Boolean);
}

function ready() {
  $("adding-run").disabled = !(sent.size || addresses().length);
  $("adding-sent").textContent = sent.size ? text("sent", { names: [...sent.values()].join(", ") }) : "";
}

takesFiles($("adding-drop"), async (files) => {
  await sendAll(files, $("adding-sending"), ({ reference, name }) => sent.set(reference, name));
  ready();
});
$("adding-addresses").addEventListener("input", ready);

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
  const added = await carriedOut(text("adding"), "archive-add", [...sent.keys()], { addresses: addresses() });
  const failed = added.values.failures?.length ?? 0;
  if ($("adding-measure").checked) await carriedOut(text("measuring"), "archive-index", [], {});
  if (!failed) return window.location.assign("/");
  sent.clear();
  return notice(text("some", { n: failed }), "error", `${text("job")}: /jobs/${added.id}`);
}

$("adding-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  $("adding-run").disabled = true;
  await attempt(add);
  ready();
});
