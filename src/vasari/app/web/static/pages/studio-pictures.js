// The pictures that are worked on: dropped, chosen as files or out of the archive, in a list of which one is shown.

import { attempt, csrfToken, notice, send, Failure } from "../layout.js";
import { cancel } from "./studio-jobs.js";
import { made, text } from "./studio-texts.js";

/** Of how many refused files a notice tells by name. */
const MOST_TOLD = 10;

/** Send a file; `told(share)` hears how much of it has gone. Gives what the server made of it. */
export function upload(file, told = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/uploads?${new URLSearchParams({ name: file.name })}`);
    request.setRequestHeader("X-CSRF-Token", csrfToken);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => told(event.total ? event.loaded / event.total : 0));
    request.addEventListener("load", () => {
      const { error } = request.response ?? {};
      if (request.status < 300) resolve(request.response);
      else reject(new Failure(request.status, error?.what ?? request.statusText, error?.remedy ?? ""));
    });
    request.addEventListener("error", () => reject(new Failure(0, text("lost"), "")));
    request.send(file);
  });
}

/** Let an element take files, dropped or chosen with the input in it. */
export function takesFiles(element, taken) {
  const input = element.querySelector('input[type="file"]');
  const chosen = () => {
    taken([...input.files]);
    input.value = "";
  };
  input.addEventListener("change", chosen);
  // What was chosen while this script was still on its way.
  if (input.files.length) chosen();
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("over");
    taken([...event.dataTransfer.files]);
  });
}

/** Send files one after the other, each with a bar in `place`; `done(upload)` hears of each that is there, and may throw
    why it is not taken. What was refused is told at the end, in one notice. */
export async function sendAll(files, place, done) {
  const refused = [];
  const tried = async (name, work) => {
    try {
      await work();
    } catch (failure) {
      refused.push({ name, what: failure.message, remedy: failure.remedy });
    }
  };
  for (const file of files) {
    const bar = made("progress", { max: 1, value: 0, attributes: { "aria-label": file.name } });
    const row = made("li", { className: "sending" }, made("span", { textContent: file.name }), bar);
    place.append(row);
    await tried(file.name, async () => {
      const sent = await upload(file, (share) => {
        if (share < 1) bar.value = share;
        else bar.removeAttribute("value");
      });
      for (const left of sent.left_out) refused.push({ name: left.name, what: left.why ?? left.what ?? "" });
      for (const one of sent.uploads) await tried(one.name, () => done(one));
    });
    row.remove();
  }
  tellRefused(refused);
}

/** One notice of all files that were refused: of one with what helps, of several a line each. */
function tellRefused(refused) {
  if (!refused.length) return;
  const lines = refused.slice(0, MOST_TOLD).map(({ name, what }) => (what.includes(name) ? what : `${name}: ${what}`));
  const more = refused.length - lines.length;
  if (more) lines.push(text("andMore", { count: more }));
  notice(lines, "error", refused.length === 1 ? refused[0].remedy : "");
}

/** The dialog that finds works; `chosen(work)` hears of the one that is clicked. */
export function findsWorks(dialog, chosen) {
  const form = dialog.querySelector("form");
  const list = dialog.querySelector(".found");
  async function find() {
    const words = form.elements.text.value;
    const page = await send(`/api/v1/works?${new URLSearchParams({ text: words, limit: 60 })}`);
    const cards = page.works.filter((work) => work.image).map((work) => {
      const image = made("img", { src: `${new URL(work.image).pathname}/full/!200,200/0/default.webp`, alt: "", loading: "lazy" });
      const button = made("button", { type: "button", className: "pick" }, image, made("span", { textContent: work.name }), made("small", { textContent: [work.artist, work.date].filter(Boolean).join(", ") }));
      button.addEventListener("click", () => {
        dialog.close();
        chosen(work);
      });
      return made("li", {}, button);
    });
    list.replaceChildren(...cards);
    dialog.querySelector(".none").hidden = cards.length > 0;
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(find);
  });
  new MutationObserver(() => dialog.open && attempt(find)).observe(dialog, { attributes: true, attributeFilter: ["open"] });
}

/** The list of pictures; `show(entry)` is told which one is to be shown, null for none; `fewer()`, that one was taken off. */
export class Pictures {
  constructor(list, show, fewer) {
    Object.assign(this, { list, show, fewer, entries: [], current: null });
  }

  add(reference, name) {
    const known = this.entries.find((entry) => entry.reference === reference);
    if (known) return this.choose(known);
    const entry = { reference, name };
    const look = made("button", { type: "button", className: "quiet look", attributes: { "aria-pressed": "false" } }, made("span", { textContent: name }));
    const gone = made("button", { type: "button", className: "quiet", attributes: { "aria-label": text("remove", { name }) }, textContent: "×" });
    const bar = made("progress", { max: 1, value: 0, hidden: true, attributes: { "aria-label": name } });
    const state = made("small", { className: "state" });
    Object.assign(entry, { look, bar, state, row: made("li", {}, look, gone, bar, state) });
    look.addEventListener("click", () => this.choose(entry));
    gone.addEventListener("click", () => this.#remove(entry));
    this.entries.push(entry);
    this.list.append(entry.row);
    return this.choose(entry);
  }

  choose(entry) {
    this.current = entry;
    for (const one of this.entries) one.look.setAttribute("aria-pressed", String(one === entry));
    this.show(entry);
    return entry;
  }

  /** Show how far the job of an entry is. */
  told(entry, job) {
    entry.job = job;
    entry.bar.hidden = job.state !== "running";
    if (job.total) entry.bar.value = job.share;
    else entry.bar.removeAttribute("value");
    entry.state.textContent = text(job.state);
    entry.row.dataset.state = job.state;
  }

  /** Take an entry off the list; work on it that is not done is called off. */
  #remove(entry) {
    if (["queued", "running"].includes(entry.job?.state)) attempt(() => cancel(entry.job));
    const at = this.entries.indexOf(entry);
    this.entries.splice(at, 1);
    entry.row.remove();
    if (this.current === entry) {
      const next = this.entries[Math.min(at, this.entries.length - 1)] ?? null;
      if (next) this.choose(next);
      else this.show((this.current = null));
    }
    this.fewer();
  }
}
