// The chosen styles: named ones, pictures, works and periods of the archive, each with its weight.

import { attempt, notice } from "../layout.js";
import { findsWorks, sendAll, takesFiles } from "./studio-pictures.js";
import { made, text } from "./studio-texts.js";

const COLORS = ["#2f6fdb", "#e22ea0", "#d98a00", "#1f8a4c", "#7a4fd0", "#b03a2e", "#008ba0", "#8a6d3b", "#c2185b", "#455a64", "#5d7f00", "#ad5cc7"];

/** How many fields of weights were made: each has an id. */
let weights = 0;

const [FIRST_YEAR, LAST_YEAR] = [-9999, 9999];

export class Styles {
  /** `changed()` is told whenever the styles or a weight is another. */
  constructor(list, most, changed) {
    Object.assign(this, { list, most, changed, entries: [] });
  }

  /** Add a style: its `text` is a name, a reference or, with `of`, a query; `image` shows it. */
  add({ text: said, name, image = "", of = false }) {
    if (this.entries.some((one) => one.text === said && one.of === of)) return;
    if (this.entries.length >= this.most) {
      notice(text("many"), "error");
      return;
    }
    const entry = { text: said, of, name, color: COLORS.find((color) => !this.entries.some((one) => one.color === color)) };
    const id = `weight-${++weights}`;
    entry.range = made("input", { type: "range", id, min: 0, max: 1, step: 0.05, value: 1 });
    const gone = made("button", { type: "button", className: "quiet", textContent: "×", attributes: { "aria-label": text("remove", { name }) } });
    const picture = image ? made("img", { src: image, alt: "" }) : made("span", { className: "blank" });
    const label = made("label", { htmlFor: id, textContent: text("weight") }, made("span", { className: "visually-hidden", textContent: ` ${name}` }));
    entry.field = made("div", { className: "field" }, label, made("output", { textContent: "1" }), entry.range);
    entry.row = made("li", {}, picture, made("strong", { textContent: name }), gone, entry.field);
    entry.range.addEventListener("input", () => this.changed());
    gone.addEventListener("click", () => {
      this.entries.splice(this.entries.indexOf(entry), 1);
      entry.row.remove();
      this.changed(true);
    });
    this.entries.push(entry);
    this.list.append(entry.row);
    this.changed(true);
  }

  /** As a preview takes them. */
  get asked() {
    return this.entries.map(({ text: said, of, range }) => ({ text: said, of, weight: Number(range.value) }));
  }

  /** As a job's fields take them; with masks there are no weights. */
  fields(masks) {
    const told = ({ text: said, range }) => (masks ? said : `${said}:${range.value}`);
    const fields = { style: this.entries.filter((one) => !one.of).map(told), style_of: this.entries.filter((one) => one.of).map(told) };
    return masks ? { ...fields, mask: masks } : fields;
  }
}

/** Let the dialog fill the styles; `picture()` gives the reference of the picture that swatches are made of. */
export function choosesStyles(dialog, styles, picture) {
  const named = dialog.querySelector("#named");
  named.addEventListener("click", (event) => {
    const button = event.target.closest("[data-style]");
    if (!button) return;
    const { wanted, swatch } = button.querySelector("img").dataset;
    styles.add({ text: button.dataset.style, name: button.dataset.title, image: wanted ?? swatch });
    dialog.close();
  });
  // Swatches are asked for as they come into sight, two at a time: each is painted by the server at first.
  const waiting = [];
  let asked = 0;
  function next() {
    while (asked < 2 && waiting.length) {
      const image = waiting.shift();
      asked += 1;
      const settled = () => {
        asked -= 1;
        next();
      };
      image.addEventListener("load", settled, { once: true });
      image.addEventListener("error", settled, { once: true });
      image.src = image.dataset.wanted;
    }
  }
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const of = picture();
      const wanted = of ? `${target.dataset.swatch}?${new URLSearchParams({ picture: of })}` : target.dataset.swatch;
      if (!isIntersecting || target.dataset.wanted === wanted) continue;
      target.dataset.wanted = wanted;
      waiting.push(target);
    }
    next();
  }, { root: named });
  const images = [...named.querySelectorAll("img")];
  new MutationObserver(() => {
    seen.disconnect();
    if (dialog.open) images.forEach((image) => seen.observe(image));
  }).observe(dialog, { attributes: true, attributeFilter: ["open"] });

  const sent = (file) => {
    const tile = `/studio/tile?${new URLSearchParams({ picture: file.reference, level: 8, column: 0, row: 0 })}`;
    styles.add({ text: file.reference, name: file.name, image: tile });
    dialog.close();
  };
  takesFiles(dialog.querySelector("#style-drop"), (files) => sendAll(files, dialog.querySelector("#style-sending"), sent));
  findsWorks(document.getElementById("style-works"), (work) => {
    styles.add({ text: `work:${work.id}`, name: work.name, image: `${new URL(work.image).pathname}/full/!200,200/0/default.webp` });
    dialog.close();
  });
  const period = dialog.querySelector("#period");
  period.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const said = query(period);
      styles.add({ text: said, name: said, of: true });
      dialog.close();
    });
  });
}

/** The query of a period: years as the archive's query language has them, and words. */
function query(form) {
  const { from, to, query: more } = Object.fromEntries(new FormData(form));
  const years = from || to ? [`${from || FIRST_YEAR}/${to || LAST_YEAR}`] : [];
  const words = more.trim() ? [years.length ? `(${more.trim()})` : more.trim()] : [];
  if (!years.length && !words.length) throw Object.assign(new Error(text("years")), { remedy: "" });
  return [...words, ...years].join(" and ");
}
