// Generate: a sheet of pictures by seed that follows the sliders; chosen ones are made as files, or walked through.

import { attempt, notice, send } from "../layout.js";
import { followed, submit } from "./studio-jobs.js";
import { latest, milliseconds } from "./studio-latest.js";
import { duration, made, text } from "./studio-texts.js";

const $ = (id) => document.getElementById(id);
const plan = $("plan");
if (plan) begin();

function begin() {
  const edits = [...plan.querySelectorAll(".edit")];
  const chosen = new Map();
  const seeds = () => Number(plan.elements.seed.max) + 1;
  const seedAt = (index) => (Number(plan.elements.seed.value) + index) % seeds();
  const count = () => Number(plan.elements.count.value);

  function fields() {
    const moved = edits.filter((edit) => !edit.disabled && Number(edit.value));
    return { truncation: Number(plan.elements.truncation.value), edit: moved.map((edit) => `${edit.dataset.name}=${edit.value}`) };
  }

  // The sheet

  function cells() {
    $("sheet").style.setProperty("--across", Math.round(Math.sqrt(count())));
    while ($("sheet").children.length > count()) $("sheet").lastElementChild.remove();
    while ($("sheet").children.length < count()) {
      const button = made("button", { type: "button", attributes: { "aria-pressed": "false" } }, made("canvas", { width: 64, height: 64 }), made("span", { className: "seed", attributes: { "aria-hidden": "true" } }));
      button.addEventListener("click", () => choose(button));
      $("sheet").append(made("li", {}, button));
    }
    [...$("sheet").querySelectorAll("button")].forEach((button, index) => {
      const seed = seedAt(index);
      button.dataset.seed = seed;
      button.setAttribute("aria-label", text("seed", { seed }));
      button.setAttribute("aria-pressed", String(chosen.has(seed)));
      button.querySelector(".seed").textContent = seed;
    });
  }

  const ask = latest(
    async (json) => {
      const answer = await send("/generate/preview", { method: "POST", json });
      if (answer.status === 204) return null;
      return { json, picture: await createImageBitmap(await answer.blob()), took: milliseconds(answer) };
    },
    (found, failure, overtaken) => {
      if (failure) notice(failure.message, "error", failure.remedy ?? "");
      if (!found) return;
      const side = found.picture.height;
      [...$("sheet").querySelectorAll("canvas")].slice(0, found.json.count).forEach((canvas, index) => {
        canvas.width = canvas.height = side;
        canvas.getContext("2d").drawImage(found.picture, index * side, 0, side, side, 0, 0, side, side);
      });
      if (overtaken) return;
      $("status").textContent = text("took", { n: found.json.count, time: duration(found.took / 1000) });
      $("sheet").dataset.shown = JSON.stringify(found.json);
    },
  );

  /** Whether the first seed is one; where it is none, the page says so beside it. */
  function allowed() {
    const { seed } = plan.elements;
    const is = seed.validity.valid;
    $("seed-wrong").hidden = is;
    seed.setAttribute("aria-invalid", String(!is));
    return is;
  }

  function preview() {
    if (!allowed()) return;
    cells();
    ask({ model: plan.elements.model.value, seed: Number(plan.elements.seed.value), count: count(), fields: fields() });
  }

  function choose(button) {
    const seed = Number(button.dataset.seed);
    if (chosen.has(seed)) chosen.delete(seed);
    else chosen.set(seed, true);
    button.setAttribute("aria-pressed", String(chosen.has(seed)));
    told();
  }

  function told() {
    const all = [...chosen.keys()];
    $("selected").textContent = all.length ? text("chosen", { seeds: all.join(", ") }) : text("none");
    $("make").disabled = all.length < 1;
    $("walk").disabled = all.length < 2;
  }

  // Directions

  async function directions() {
    const model = plan.elements.model.value;
    $("measuring").hidden = false;
    for (const edit of edits) edit.disabled = true;
    const found = await send(`/generate/directions?${new URLSearchParams({ model })}`);
    if (plan.elements.model.value !== model) return;
    const percent = (share) => `${Math.round(100 * share)} %`;
    for (const one of found) {
      const edit = edits.find((each) => each.dataset.name === one.name);
      edit.disabled = false;
      $(`about-${one.name}`).textContent = text("about", { steady: percent(one.steady), other: percent(one.side_effects) });
    }
    $("measuring").hidden = true;
  }

  function reset() {
    for (const edit of edits) {
      edit.value = 0;
      edit.parentElement.querySelector("output").textContent = "0";
    }
    preview();
  }

  // Files and walks

  async function job(values) {
    const asked = { model: plan.elements.model.value, ...fields(), size_px: Number($("size").value), ...values };
    const waiting = await submit("generate", [], asked, $("add").checked);
    $("progress").hidden = false;
    try {
      return await followed(waiting, (now) => {
        if (now.total) $("progress").value = now.share;
      });
    } finally {
      $("progress").hidden = true;
    }
  }

  function card(one, picture, words, record) {
    const links = [made("a", { href: picture.url, download: picture.name, textContent: text("download") })];
    if (record) links.push(made("a", { href: record.url, textContent: text("record") }));
    links.push(made("a", { href: `/jobs/${one.id}`, textContent: text("job") }));
    const isFilm = picture.name.endsWith(".mp4");
    const shown = isFilm ? made("video", { src: picture.url, controls: true, loop: true }) : made("img", { src: picture.url, alt: words });
    const caption = made("figcaption", {}, made("strong", { textContent: words }), ...links.flatMap((link) => [made("br"), link]));
    $("made").prepend(made("li", {}, made("figure", { className: "figure" }, shown, caption)));
  }

  async function make() {
    for (const seed of [...chosen.keys()]) {
      const done = await job({ seed, number: 1 });
      const picture = done.files.find((file) => file.name.endsWith(".png"));
      card(done, picture, text("seed", { seed }), done.files.find((file) => file.name.endsWith(".treatment.json")));
    }
  }

  async function walk() {
    const stops = [...chosen.keys()].map(String);
    const done = await job({ seed: Number(stops[0]), number: 1, walk: true, stops, step_s: Number($("step").value) });
    const clip = done.files.find((file) => file.name.endsWith(".mp4"));
    card(done, clip, text("clip", { n: stops.length }), done.files.find((file) => file.name === `${clip.name}.treatment.json`));
  }

  for (const [id, work] of [["make", make], ["walk", walk]]) {
    $(id).addEventListener("click", async () => {
      $(id).disabled = true;
      await attempt(work);
      told();
    });
  }
  for (const [id, sign] of [["before", -1], ["after", 1]]) {
    $(id).addEventListener("click", () => {
      const { seed } = plan.elements;
      const from = allowed() ? Number(seed.value) : 0;
      seed.value = (from + sign * count() + seeds()) % seeds();
      preview();
    });
  }
  plan.addEventListener("submit", (event) => event.preventDefault());
  plan.addEventListener("input", (event) => {
    if (event.target.name !== "model") preview();
  });
  plan.elements.model.addEventListener("change", () => {
    reset();
    attempt(directions);
  });
  $("reset").addEventListener("click", reset);
  told();
  preview();
  attempt(directions);
}
