// The page of time: answers come as pieces of HTML and are drawn; the map is drawn when it is asked for.

import { attempt, send } from "../layout.js";
import { chart } from "./time-chart.js";
import { StyleMap } from "./time-map.js";

const form = document.getElementById("trend");
const answer = document.getElementById("answer");
const busy = document.getElementById("trend-busy");
let takeAway = () => {};
let newest = 0;

async function follow() {
  const mine = ++newest;
  const asked = new URLSearchParams(new FormData(form));
  busy.textContent = busy.dataset.text;
  try {
    const piece = await (await send(`/time/answer?${asked}`)).text();
    if (mine !== newest) return;
    takeAway();
    answer.innerHTML = piece; // made by the server, escaped there
    drawn();
    history.replaceState(null, "", `/time?${asked}`);
  } finally {
    if (mine === newest) busy.textContent = "";
  }
}

function drawn() {
  const box = answer.querySelector(".plot");
  takeAway = box ? chart(box) : () => {};
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(follow);
});
document.getElementById("what").addEventListener("change", () => attempt(follow));
document.addEventListener("vasari:theme", () => {
  takeAway();
  drawn();
});
attempt(follow);

const timeline = document.querySelector(".timeline");
if (timeline) {
  const works = (bar) => Number(bar.querySelector(".count")?.textContent ?? 0);
  const fullest = [...timeline.children].reduce((most, bar) => (works(bar) >= works(most) ? bar : most));
  timeline.scrollLeft = fullest.offsetLeft - (timeline.clientWidth - fullest.offsetWidth) / 2;
}

const byId = (id) => document.getElementById(id);
const selection = byId("selection");
const map = new StyleMap(byId("map"), {
  pointed: (work, x, y) => attempt(() => card(work, x, y)),
  opened: (work) => window.location.assign(`/works/${work.id}`),
  chosen: (keys) => attempt(() => compare(keys)),
});

let pointedAt = null;

/** Show the work that is pointed at beside the pointer, with its picture once that is known. */
async function card(work, x, y) {
  const box = byId("map-card");
  box.hidden = !work;
  if (!work) {
    pointedAt = null;
    return;
  }
  const canvas = byId("map");
  box.style.left = `${Math.max(0, x + 16 + 200 > canvas.clientWidth ? x - 16 - 200 : x + 16)}px`;
  box.style.top = `${Math.max(0, Math.min(y + 12, canvas.clientHeight - 240))}px`;
  if (pointedAt === work) return;
  pointedAt = work;
  const [image] = box.getElementsByTagName("img");
  image.removeAttribute("src");
  box.querySelector("strong").textContent = work.title;
  box.querySelector("span").textContent = [work.artist, work.date].filter(Boolean).join(", ");
  work.image ??= (await send(`/api/v1/works/${work.id}`)).image ?? "";
  if (pointedAt === work && work.image) image.src = `${new URL(work.image).pathname}/full/!400,400/0/default.jpg`;
}

async function compare(keys) {
  if (!keys.length) return selection.replaceChildren();
  const query = new URLSearchParams({ q: byId("map-q").value });
  const piece = await send(`/time/selection?${query}`, { method: "POST", json: { keys: keys.slice(0, 5000) } });
  selection.innerHTML = await piece.text(); // made by the server, escaped there
}

async function drawMap() {
  const asked = new URLSearchParams({ q: byId("map-q").value, by: byId("by").value });
  const { works } = await send(`/time/map?${asked}`);
  map.show(works);
  selection.replaceChildren();
  byId("map-told").textContent = byId("map").dataset.works.replace("0", works.length);
  for (const id of ["lasso", "whole"]) byId(id).disabled = false;
  byId("years").hidden = byId("map-key").hidden = !map.years;
  if (map.years) key(map.years.map(Math.round));
}

byId("load-map").addEventListener("click", () => attempt(drawMap));
byId("by").addEventListener("change", () => map.works.length && attempt(drawMap));

// A map of few works is drawn when one comes to it. What hinders it is told in its place: nobody has asked yet.
const come = new IntersectionObserver((entries) => {
  if (!entries.some((one) => one.isIntersecting)) return;
  come.disconnect();
  drawMap().catch((failure) => (byId("map-told").textContent = `${failure.message} ${failure.remedy ?? ""}`));
});
if (byId("map").dataset.draws !== undefined) come.observe(byId("map"));

byId("whole").addEventListener("click", () => map.whole());
byId("lasso").addEventListener("click", (event) => {
  map.lassoing = !map.lassoing;
  event.currentTarget.setAttribute("aria-pressed", String(map.lassoing));
  byId("map").classList.toggle("lassoing", map.lassoing);
});
byId("years").addEventListener("submit", (event) => {
  event.preventDefault();
  map.chooseYears(Number(byId("from").value || -1e9), Number(byId("to").value || 1e9));
});

function key([first, last]) {
  const canvas = byId("map-key");
  const pen = canvas.getContext("2d");
  for (let x = 0; x < canvas.width; x++) {
    const year = first + ((last - first) * x) / canvas.width;
    pen.fillStyle = map.color({ first: year, last: year });
    pen.fillRect(x, 0, 1, canvas.height);
  }
  byId("map-years").textContent = byId("map").dataset.years.replace("A", first).replace("B", last);
  byId("from").value = first;
  byId("to").value = last;
}
