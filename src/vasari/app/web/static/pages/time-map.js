// The map of styles: a canvas that zooms and moves, by pointer and by keys, and a lasso that chooses works.

const POINT = 4;

/** A map in a canvas; `told(text)` says what is pointed at, `chosen(keys)` gets what the lasso holds. */
export class StyleMap {
  constructor(canvas, { told, chosen }) {
    Object.assign(this, { canvas, told, chosen, works: [], lasso: null, lassoing: false, selected: new Set() });
    this.view = { x: 0, y: 0, scale: 1 };
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", () => this.#cancel());
    canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
    document.addEventListener("vasari:theme", () => this.draw());
  }

  /** Show other works: [{x, y, key, title, artist, date, first, last}]. */
  show(works) {
    this.works = works;
    this.selected = new Set();
    const years = works.map(middle).filter((year) => year != null);
    this.years = years.length ? [Math.min(...years), Math.max(...years)] : null;
    this.whole();
  }

  whole() {
    this.view = { x: 0, y: 0, scale: 1 };
    this.draw();
  }

  /** Choose works by their years, both ends included. */
  chooseYears(from, to) {
    this.#choose(this.works.filter((one) => one.first != null && one.last >= from && one.first <= to));
  }

  color(work) {
    const year = middle(work);
    if (year == null || !this.years) return "hsl(0 0% 55%)";
    const [first, last] = this.years;
    const share = last > first ? (year - first) / (last - first) : 0.5;
    return `hsl(${Math.round(255 - 235 * share)} 62% 50%)`;
  }

  draw() {
    const { canvas, view } = this;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    canvas.height = Math.max(1, Math.round(canvas.clientHeight * ratio));
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const radius = Math.min(9, POINT * Math.sqrt(view.scale));
    for (const work of this.works) {
      const [x, y] = this.#place(work);
      if (x < -9 || y < -9 || x > canvas.clientWidth + 9 || y > canvas.clientHeight + 9) continue;
      pen.beginPath();
      pen.arc(x, y, this.selected.has(work.key) ? radius + 2 : radius, 0, 7);
      pen.fillStyle = this.color(work);
      pen.globalAlpha = this.selected.size && !this.selected.has(work.key) ? 0.25 : 0.85;
      pen.fill();
    }
    pen.globalAlpha = 1;
    if (this.lasso) {
      pen.beginPath();
      this.lasso.forEach(([x, y]) => pen.lineTo(x, y));
      pen.closePath();
      pen.strokeStyle = getComputedStyle(canvas).color;
      pen.setLineDash([5, 4]);
      pen.stroke();
    }
  }

  #unit() {
    return (Math.min(this.canvas.clientWidth, this.canvas.clientHeight) / 2 - 12) * this.view.scale;
  }

  #place(work) {
    const unit = this.#unit();
    return [this.canvas.clientWidth / 2 + (work.x - this.view.x) * unit, this.canvas.clientHeight / 2 - (work.y - this.view.y) * unit];
  }

  #zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const before = this.#unit();
    this.view.scale = Math.min(60, Math.max(1, this.view.scale * factor));
    const after = this.#unit();
    this.view.x += (x - this.canvas.clientWidth / 2) * (1 / before - 1 / after);
    this.view.y -= (y - this.canvas.clientHeight / 2) * (1 / before - 1 / after);
    this.draw();
  }

  #wheel(event) {
    if (!this.works.length) return;
    event.preventDefault();
    this.#zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }

  #down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = [event.offsetX, event.offsetY];
    if (this.lassoing) this.lasso = [this.drag];
  }

  #move(event) {
    const here = [event.offsetX, event.offsetY];
    if (this.drag && this.lasso) this.lasso.push(here);
    else if (this.drag) {
      this.view.x -= (here[0] - this.drag[0]) / this.#unit();
      this.view.y += (here[1] - this.drag[1]) / this.#unit();
      this.drag = here;
    } else return this.#point(here);
    this.draw();
  }

  #up() {
    const around = this.lasso;
    this.#cancel();
    if (around?.length > 2) this.#choose(this.works.filter((work) => inside(this.#place(work), around)));
  }

  #cancel() {
    this.drag = this.lasso = null;
    this.draw();
  }

  #choose(works) {
    this.selected = new Set(works.map((work) => work.key));
    this.draw();
    this.chosen([...this.selected]);
  }

  #point([x, y]) {
    let nearest = null;
    let least = 12 ** 2;
    for (const work of this.works) {
      const [left, top] = this.#place(work);
      const far = (left - x) ** 2 + (top - y) ** 2;
      if (far < least) [nearest, least] = [work, far];
    }
    if (nearest) this.told([nearest.title, nearest.artist, nearest.date].filter(Boolean).join(", "));
  }

  #key(event) {
    const step = 0.15 / this.view.scale;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (event.key in moves) {
      this.view.x += moves[event.key][0];
      this.view.y += moves[event.key][1];
      this.draw();
    } else if (event.key === "+" || event.key === "=") this.#zoom(1.4);
    else if (event.key === "-") this.#zoom(1 / 1.4);
    else if (event.key === "0") this.whole();
    else return;
    event.preventDefault();
  }
}

function middle(work) {
  return work.first == null || work.last == null ? null : (work.first + work.last) / 2;
}

/** Whether a point lies in a polygon: an odd number of edges to its right. */
function inside([x, y], around) {
  let odd = false;
  for (let i = 0, j = around.length - 1; i < around.length; j = i++) {
    const [[a, b], [c, d]] = [around[i], around[j]];
    if (b > y !== d > y && x < ((c - a) * (y - b)) / (d - b) + a) odd = !odd;
  }
  return odd;
}
