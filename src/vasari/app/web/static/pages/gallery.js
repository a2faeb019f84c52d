// The gallery without a mouse: "/" to the search box, arrows from work to work; and search by a picture that is sent.
import { attempt, send } from "../layout.js";

const works = document.getElementById("works");
const box = document.getElementById("q");

function isTyping(target) {
  return target.closest("input, select, textarea, [contenteditable]") !== null;
}

/** How many works stand in a row just now. */
function columns() {
  return getComputedStyle(works).gridTemplateColumns.split(" ").length;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !isTyping(event.target) && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    box.focus();
    box.select();
  }
});

works?.addEventListener("keydown", (event) => {
  const links = [...works.querySelectorAll(".work > a")];
  const at = links.indexOf(event.target.closest("a"));
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() };
  const to = event.key === "Home" ? 0 : event.key === "End" ? links.length - 1 : at + (steps[event.key] ?? NaN);
  if (at < 0 || !links[to]) return;
  event.preventDefault();
  links[to].focus();
});

for (const choice of document.querySelectorAll("#sort, #by")) {
  choice.addEventListener("change", () => choice.form.requestSubmit());
}

const facets = document.getElementById("facets");
const toggle = facets.querySelector(".facets-switch");
toggle.addEventListener("click", () => {
  const open = facets.toggleAttribute("data-open");
  toggle.setAttribute("aria-expanded", String(open));
});

// What adds pictures is fetched when it is asked for: most visits only look.
for (const opener of document.querySelectorAll('[data-opens="adding"]')) {
  opener.addEventListener("click", () => import("./gallery-adding.js"), { once: true });
}

const form = document.getElementById("picture-form");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const busy = document.getElementById("picture-busy");
  attempt(async () => {
    busy.hidden = false;
    try {
      const file = form.elements.file.files[0];
      const sent = await send(`/api/v1/uploads?${new URLSearchParams({ name: file.name })}`, { method: "POST", body: file });
      const hash = sent.uploads[0].sha256;
      const address = new URLSearchParams({ picture: hash, by: form.elements.by.value });
      window.location.assign(`/?${address}`);
    } catch (failure) {
      form.closest("dialog").close();
      throw failure;
    } finally {
      busy.hidden = true;
    }
  });
});
