// A training's curves, one small chart each, drawn again as the run goes on.

import { attempt, send } from "../layout.js";

const EVERY_MS = 5000;
const box = document.getElementById("curves");
const charts = new Map();

function tint(name) {
  const drop = document.createElement("i");
  drop.style.color = `var(${name})`;
  document.body.append(drop);
  const color = getComputedStyle(drop).color;
  drop.remove();
  return color;
}

function drawn(name, data) {
  const card = document.createElement("section");
  card.className = "card";
  const title = document.createElement("h3");
  title.textContent = name;
  card.append(title);
  box.append(card);
  const axis = { stroke: tint("--faint"), grid: { stroke: tint("--line"), width: 1 }, ticks: { show: false } };
  const options = {
    width: Math.max(200, card.clientWidth - 32),
    height: 200,
    scales: { x: { time: false } },
    axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => String(Number(tick.toPrecision(3)))) }],
    series: [{ label: box.dataset.images }, { label: name, stroke: tint("--accent"), width: 1.5, points: { show: data[0].length < 30 } }],
    legend: { show: true },
  };
  charts.set(name, new uPlot(options, data, card));
}

async function refresh() {
  const curves = await send(box.dataset.address);
  const names = Object.keys(curves).sort((a, b) => b.startsWith("validation") - a.startsWith("validation") || a.localeCompare(b));
  if (!names.length) box.textContent = box.dataset.empty;
  else if (!charts.size) box.replaceChildren();
  for (const name of names) {
    const data = [curves[name].images, curves[name].values];
    if (charts.has(name)) charts.get(name).setData(data);
    else drawn(name, data);
  }
}

attempt(refresh);
setInterval(() => document.visibilityState === "visible" && attempt(refresh), EVERY_MS);
document.addEventListener("vasari:theme", () => {
  for (const chart of charts.values()) chart.destroy();
  charts.clear();
  box.replaceChildren();
  attempt(refresh);
});
