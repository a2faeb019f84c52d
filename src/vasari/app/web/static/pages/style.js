// Style: a preview that follows the sliders, regions by brush, the job, and its results to compare.

import { attempt, send } from "../layout.js";
import { choosesStyles, Styles } from "./style-choices.js";
import { Brush } from "./studio-brush.js";
import { followed, outcome, referenceOf, submit, unlessCancelled } from "./studio-jobs.js";
import { latest, milliseconds, settledDown } from "./studio-latest.js";
import { $, brought, comesIn, maskOf, offers, open, refused, showFiles } from "./studio-page.js";
import { Pictures } from "./studio-pictures.js";
import { Stage } from "./studio-stage.js";
import { duration, made, text } from "./studio-texts.js";

const plan = $("plan");
const stage = new Stage($("viewer"), $("curtain"));

function fields() {
  const { strength, keep_color: colors, passes } = plan.elements;
  const found = { strength: Number(strength.value), keep_color: colors.value };
  if (passes.value) found.passes = Number(passes.value);
  return found;
}

// The preview

const isPreviewed = () => Boolean(pictures.current?.facts && !pictures.current.facts.film && styles.entries.length && !stage.after);

async function previewed({ entry, asked, values, masks }) {
  const json = { picture: entry.reference, styles: asked, masks, fields: values };
  const answer = await send("/style/preview", { method: "POST", json });
  if (answer.status === 204) return null;
  return { entry, address: URL.createObjectURL(await answer.blob()), took: milliseconds(answer) };
}

let shown = "";
const ask = latest(previewed, (found, failure, overtaken) => {
  if (failure) return refused(failure);
  if (!found || found.entry !== pictures.current || !isPreviewed()) return undefined;
  const { width, height } = found.entry.facts;
  stage.preview([found.address], { left: 0, top: 0, width, height });
  if (shown) URL.revokeObjectURL(shown);
  shown = found.address;
  stage.element.dataset.preview = String(Number(stage.element.dataset.preview ?? 0) + 1);
  if (!overtaken) $("status").textContent = text("small", { time: duration(found.took / 1000) });
  return undefined;
});

async function preview() {
  ready();
  if (!isPreviewed()) {
    if (pictures.current && !styles.entries.length) $("status").textContent = text("choose");
    return;
  }
  const entry = pictures.current;
  let masks = [];
  if ($("by-region").checked) {
    if (!styles.entries.every((_, index) => brush.has(String(index)))) {
      $("status").textContent = text("paint");
      return;
    }
    masks = await painted(entry);
  }
  $("status").textContent = text("loading");
  ask({ entry, asked: styles.asked, values: fields(), masks });
}

const ready = () => offers(pictures, styles.entries.length > 0);

// Which picture is shown

async function show(entry) {
  brush.stop();
  $("by-region").checked = false;
  regions();
  ready();
  await open(entry, {
    stage,
    pictures,
    opened: (one) => {
      $("regions").disabled = one.facts.film;
      return one.results?.length ? showOutcome(one, one.results.at(-1)) : preview();
    },
  });
}

const pictures = new Pictures($("pictures"), show, ready);
const styles = new Styles($("chosen"), Number($("studio").dataset.most), (others) => {
  if (others) regions();
  if (stage.after) $("back").click();
  else attempt(preview);
});

// Regions

const brush = new Brush(stage, {
  colors: {},
  label: text("brush"),
  radius: () => Number($("radius").value),
  changed: () => {
    for (const id of ["undo", "clear"]) $(id).disabled = brush.strokes.length === 0;
    brushSoon();
  },
});
const brushSoon = settledDown(() => attempt(preview), 500);

/** Offer a brush for each style where they go by regions. */
function regions() {
  const on = $("by-region").checked && Boolean(stage.base) && !stage.after;
  $("brushes").hidden = !on;
  for (const entry of styles.entries) entry.field.hidden = on;
  brush.colors = Object.fromEntries(styles.entries.map((entry, index) => [String(index), entry.color]));
  brush.strokes = brush.strokes.filter((stroke) => stroke.layer in brush.colors);
  if (on && !brush.on) brush.start();
  if (!on && brush.on) brush.pause();
  const choice = (value, words, color) => {
    const id = `layer-${value || "look"}`;
    const input = made("input", { type: "radio", name: "layer", id, value, checked: value === "0" });
    input.addEventListener("change", () => {
      if (value) brush.layer = value;
      brush.hold(!value);
    });
    const dot = made("span", { className: "swatch-keep" });
    dot.style.background = color;
    return made("div", { className: "choice" }, input, made("label", { htmlFor: id }, ...(color ? [dot, " "] : []), words));
  };
  $("brush-layers").replaceChildren(choice("", text("look"), ""), ...styles.entries.map((entry, index) => choice(String(index), entry.name, entry.color)));
  brush.layer = "0";
  if (on) brush.hold(false);
  if (on) brush.draw();
}

/** The masks of all styles, as references. */
async function painted(entry) {
  const found = [];
  for (const index of styles.entries.keys()) found.push(await maskOf(brush, String(index), entry.reference, { whole: false, hard: false }));
  return found;
}

$("by-region").addEventListener("change", () => {
  regions();
  attempt(preview);
});

// The job, and its results

async function run(entry) {
  const byRegion = $("by-region").checked && entry === pictures.current;
  const masks = byRegion ? await painted(entry) : null;
  const values = { ...fields(), ...styles.fields(masks) };
  if (plan.elements.format.value) values.format = plan.elements.format.value;
  const about = styles.entries.map((one) => one.name).join(" + ");
  const job = await submit("stylize", [entry.reference], values, plan.elements.add.checked);
  const found = { ...outcome(await followed(job, (now) => pictures.told(entry, now))), about };
  entry.results = [...(entry.results ?? []).filter((one) => one.job.id !== job.id), found];
  if (pictures.current === entry) await showOutcome(entry, found);
}

plan.addEventListener("submit", (event) => {
  event.preventDefault();
  for (const entry of [...pictures.entries]) attempt(() => run(entry).catch(unlessCancelled));
});

async function showOutcome(entry, found) {
  const { job, result } = found;
  showFiles(entry, found);
  if (!entry.facts.film) {
    stage.clearPreview();
    await stage.compare({ ...entry.facts, reference: referenceOf(job, result) });
    $("back").hidden = false;
    $("status").textContent = text("result");
    regions();
  }
  $("results").replaceChildren(...(entry.results.length > 1 ? entry.results.map((one) => card(entry, one, one === found)) : []));
  stage.element.dataset.result = referenceOf(job, result);
}

/** A result among others, to be shown in their place. */
function card(entry, one, isShown) {
  const tile = `/studio/tile?${new URLSearchParams({ picture: referenceOf(one.job, one.result), level: 8, column: 0, row: 0 })}`;
  const image = entry.facts.film ? "" : made("img", { src: tile, alt: "" });
  const button = made("button", { type: "button", className: "pick", attributes: { "aria-pressed": String(isShown), "aria-label": text("show", { name: one.about }) } }, image, made("span", { textContent: one.about }));
  button.addEventListener("click", () => attempt(() => showOutcome(entry, one)));
  return made("li", {}, button);
}

$("back").addEventListener("click", () => attempt(async () => {
  delete stage.element.dataset.result;
  $("back").hidden = true;
  await stage.compare(null);
  regions();
  await preview();
}));

// What comes in

comesIn(pictures, stage, brush);
choosesStyles($("styles"), styles, () => (pictures.current?.facts?.film === false ? pictures.current.reference : ""));
plan.addEventListener("input", (event) => {
  if (["format", "add"].includes(event.target.name) || event.target.closest("#regions")) return;
  if (stage.after) $("back").click();
  else attempt(preview);
});
brought($("pictures"), ({ reference, name }) => pictures.add(reference, name));
brought($("chosen"), ({ reference, name }) => styles.add({ text: reference, name, image: picturedBy(reference) }));

/** The address of a small picture of a style that the page was opened with. */
function picturedBy(reference) {
  if (!reference.includes(":")) return `/style/swatch/${encodeURIComponent(reference)}`;
  return `/studio/tile?${new URLSearchParams({ picture: reference, level: 8, column: 0, row: 0 })}`;
}
