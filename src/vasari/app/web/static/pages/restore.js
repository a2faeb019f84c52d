// Restore: a preview of the middle of the view, the job, and the result with evidence and a brush.

import { attempt, notice, send } from "../layout.js";
import { Brush } from "./studio-brush.js";
import { followed, outcome, referenceOf, submit, unlessCancelled } from "./studio-jobs.js";
import { latest, milliseconds, settledDown } from "./studio-latest.js";
import { $, brought, comesIn, maskOf, offers, open, refused, showFiles } from "./studio-page.js";
import { Pictures } from "./studio-pictures.js";
import { Stage, factsOf } from "./studio-stage.js";
import { duration, text } from "./studio-texts.js";

const side = Number($("studio").dataset.side);
const plan = $("plan");
const stage = new Stage($("viewer"), $("curtain"));
const maps = { damage: $("map-damage"), change: $("map-change") };
const COLORS = { keep: "#2f6fdb", fill: "#e22ea0" };

// What is asked for

const restores = () => plan.querySelectorAll('[name="stages"]:checked').length > 0;

function fields() {
  const chosen = new FormData(plan);
  const scale = Number(chosen.get("scale"));
  const enlarging = scale ? { stages: [...chosen.getAll("stages"), "enlarge"], scale } : {};
  if (!restores()) return enlarging;
  const found = {
    strength: Number(chosen.get("strength")),
    tone: chosen.get("tone"),
    stages: chosen.getAll("stages"),
    only_damage: chosen.has("only_damage"),
  };
  if (!plan.elements.vividness.disabled) found.vividness = Number(chosen.get("vividness"));
  if (chosen.has("likeness")) found.likeness = true;
  return { ...found, ...enlarging };
}

/** Why the plan cannot be done; empty where it can. */
function objection() {
  const scale = plan.elements.scale;
  plan.elements["stage-tone"].setCustomValidity(restores() || scale.value ? "" : text("nostage"));
  scale.setCustomValidity(scale.value && plan.elements["only-damage"].checked ? text("noscale") : "");
  return plan.elements["stage-tone"].validationMessage || scale.validationMessage;
}

// The preview follows the view and the plan

const isPreviewed = () => Boolean(pictures.current?.facts && !pictures.current.facts.film && !stage.after);

async function previewed({ entry, middle, values, layers }) {
  const answers = [];
  for (const layer of ["result", ...layers]) {
    const json = { picture: entry.reference, ...middle, layer, side, fields: values };
    const answer = await send("/restore/preview", { method: "POST", json });
    if (answer.status === 204) return null;
    answers.push(answer);
  }
  const square = answers[0].headers.get("X-Vasari-Square").split(",").map(Number);
  const addresses = await Promise.all(answers.map(async (answer) => URL.createObjectURL(await answer.blob())));
  return { entry, addresses, square, took: milliseconds(answers[0]) };
}

let shown = [];
const ask = latest(previewed, (found, failure, overtaken) => {
  const wanted = isPreviewed() && !objection() && restores();
  if (failure) return wanted ? refused(failure) : undefined;
  if (!found || found.entry !== pictures.current || !wanted) {
    found?.addresses.forEach((address) => URL.revokeObjectURL(address));
    return undefined;
  }
  const [left, top, width, height] = found.square;
  stage.preview(found.addresses, { left, top, width, height });
  shown.forEach((address) => URL.revokeObjectURL(address));
  shown = found.addresses;
  if (!overtaken) $("status").textContent = text("square", { width, height, time: duration(found.took / 1000) });
  stage.element.dataset.preview = [left, top, width, height].join(",");
  return undefined;
});

function putAwayPreview() {
  stage.clearPreview();
  delete stage.element.dataset.preview;
}

function preview() {
  const unseen = objection() || (restores() ? "" : text("enlarges"));
  if (!isPreviewed()) return;
  if (unseen) {
    putAwayPreview();
    stage.draw();
    $("status").textContent = unseen;
    return;
  }
  const layers = Object.keys(maps).filter((name) => isPressed(maps[name]));
  $("status").textContent = text("loading");
  ask({ entry: pictures.current, middle: stage.middle, values: fields(), layers });
}
const previewSoon = settledDown(preview, 120);

// Which picture is shown

let painted = null;

async function show(entry) {
  if (painted) painted.strokes = brush.strokes;
  painted = entry;
  brush.stop();
  chooseBrush("");
  $("retouch").hidden = true;
  offers(pictures);
  offerMaps(entry);
  await open(entry, { stage, pictures, opened: (one) => (one.outcome ? showOutcome(one).then(() => repaint(one)) : preview()) });
}

/** Put back what was painted over a picture before another was looked at. */
function repaint(entry) {
  if (pictures.current !== entry || !entry.strokes?.length || brush.strokes.length) return;
  brush.strokes = entry.strokes;
  brush.start();
  brush.hold(true);
  brushed();
}

const pictures = new Pictures($("pictures"), show, () => offers(pictures));

// The job, and what it made

async function run(entry) {
  const values = { ...fields(), evidence: restores() };
  if (plan.elements.format.value) values.format = plan.elements.format.value;
  const job = await submit("restore", [entry.reference], values, plan.elements.add.checked);
  entry.outcome = outcome(await followed(job, (now) => pictures.told(entry, now)));
  entry.maps = entry.outcome;
  if (pictures.current === entry) await showOutcome(entry);
}

plan.addEventListener("submit", (event) => {
  event.preventDefault();
  if (objection()) {
    $("more").open = true;
    return plan.reportValidity();
  }
  for (const entry of [...pictures.entries]) attempt(() => run(entry).catch(unlessCancelled));
  return undefined;
});

async function showOutcome(entry) {
  const shownNow = entry.outcome;
  const { job, result } = shownNow;
  const isOver = () => pictures.current !== entry || entry.outcome !== shownNow;
  showFiles(entry, shownNow);
  attempt(() => showRemarks(entry));
  if (entry.facts.film) return;
  const reference = referenceOf(job, result);
  const enlarged = job.fields.stages?.includes("enlarge") ? await factsOf(reference) : null;
  if (isOver()) return;
  await stage.compare({ ...entry.facts, ...enlarged, reference });
  if (isOver()) return;
  putAwayPreview();
  $("back").hidden = false;
  $("retouch").hidden = Boolean(enlarged);
  if (enlarged) putAwayBrush(entry);
  $("legend-before").hidden = entry.outcome === entry.maps;
  const n = enlarged ? enlarged.width / entry.facts.width : 1;
  $("status").textContent = enlarged ? text("resultEnlarged", { n }) : text("result");
  stage.element.dataset.result = reference;
  offerMaps(entry);
  for (const name of Object.keys(maps)) await showMap(name);
}

/** Of a result the maps that its job wrote; one that only enlarged wrote none. */
function offerMaps(entry) {
  for (const [name, button] of Object.entries(maps)) button.disabled = Boolean(entry?.outcome) && !entry.maps?.[name];
}

/** Show what the job says of the picture, as its own page does. */
async function showRemarks(entry) {
  const { job } = entry.outcome;
  $("remarks").replaceChildren();
  if (!job.fields.likeness && !job.values.entries?.some((one) => one.warnings)) return;
  const answer = await send(`/jobs/${job.id}/remarks`, { headers: { Accept: "text/html" } });
  const said = document.createRange().createContextualFragment(await answer.text());
  if (pictures.current === entry && entry.outcome?.job === job) $("remarks").replaceChildren(said);
}

/** Go back to the preview; strokes that were not done yet are given up only by one who says so. Whether it was done. */
function back() {
  if (brush.strokes.length && !window.confirm(text("giveUp"))) return false;
  delete stage.element.dataset.result;
  brush.stop();
  pictures.current.outcome = null;
  show(pictures.current);
  return true;
}
$("back").addEventListener("click", back);

// Evidence

const isPressed = (button) => button.getAttribute("aria-pressed") === "true";

async function showMap(name) {
  stage.removeMap(name);
  const { current } = pictures;
  const file = current?.outcome && current.maps?.[name];
  if (file && isPressed(maps[name])) await stage.map(name, { reference: referenceOf(current.maps.job, file) });
}

for (const [name, button] of Object.entries(maps)) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!isPressed(button)));
    $("legend").hidden = !Object.values(maps).some(isPressed);
    if (stage.after) attempt(() => showMap(name));
    else preview();
  });
}

// The brush

function brushed() {
  const any = brush.strokes.length > 0;
  for (const id of ["undo", "clear", "redo"]) $(id).disabled = !any;
}

const brush = new Brush(stage, { colors: COLORS, label: text("brush"), radius: () => Number($("radius").value), changed: brushed });

function chooseBrush(layer) {
  for (const choice of document.querySelectorAll('[name="brush"]')) choice.checked = choice.value === layer;
  if (layer && !brush.on) brush.start();
  if (layer) brush.layer = layer;
  if (brush.on) brush.hold(!layer);
  brushed();
}

for (const choice of document.querySelectorAll('[name="brush"]')) {
  choice.addEventListener("change", () => chooseBrush(choice.value));
}

/** What is larger than the scan cannot be painted on. */
function putAwayBrush(entry) {
  brush.stop();
  chooseBrush("");
  entry.strokes = [];
}

/** Do again where it was painted: the scan put back first, then holes filled in that. */
async function again(entry) {
  const add = plan.elements.add.checked;
  const told = (now) => pictures.told(entry, now);
  const mask = (layer) => maskOf(brush, layer, entry.reference, { whole: true, hard: true });
  const masks = { keep: brush.has("keep") && (await mask("keep")), fill: brush.has("fill") && (await mask("fill")) };
  let made = entry.outcome;
  const remade = async (job) => {
    const done = outcome(await followed(job, told));
    if (entry.outcome !== made) return false; // another job was done meanwhile: what was painted lies on another result
    made = entry.outcome = done;
    return true;
  };
  const before = () => referenceOf(made.job, made.result);
  if (masks.keep && !(await remade(await submit("retouch", [entry.reference, before()], { keep: masks.keep }, add)))) return;
  if (masks.fill && !(await remade(await submit("inpaint", [before()], { mask: masks.fill, lossy: true }, add)))) return;
  entry.strokes = [];
  if (pictures.current !== entry) return;
  brush.stop();
  chooseBrush("");
  await showOutcome(entry);
  notice(text("retouched"));
}

$("redo").addEventListener("click", async () => {
  $("redo").disabled = true;
  await attempt(() => again(pictures.current));
  brushed();
});

// What comes in

comesIn(pictures, stage, brush);
stage.whenMoved(previewSoon);

/** What the controls say, to be put back where one would rather keep what was painted. */
const said = () => [...plan.elements].map((one) => ({ one, value: one.value, checked: one.checked }));
let before = said();

plan.addEventListener("input", (event) => {
  if (!["format", "add"].includes(event.target.name)) {
    if (!pictures.current?.outcome) preview();
    else if (!back()) for (const { one, ...as } of before) Object.assign(one, as);
  }
  before = said();
});
brought($("pictures"), ({ reference, name }) => pictures.add(reference, name));
