// The map of styles: a canvas that zooms and moves, by pointer and by keys, and a lasso that chooses works.

const POINT = 4;
// Pixels: how near the pointer is to what it points at, and how still it stays in a click.
const [NEAR, STILL] = [12, 5];

/** A map in a canvas; `pointed(work, x, y)` hears what the pointer is at, null for nothing; `opened(work)` what is
    clicked; `chosen(keys)` what the lasso holds. */
export class StyleMap {
  constructor(canvas, { pointed, opened, chosen }) {
    Object.assign(this, { canvas, pointed, opened, chosen, works: [], lasso: null, lassoing: false, selected: new Set() });
    this.view = { x: 0, y: 0, scale: 1 };
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", () => this.#cancel());
    canvas.addEventListener("pointerleave", () => this.#told(null));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
    document.addEventListener("vasari:theme", () => this.draw());
  }

  /** Show other works: [{x, y, id, key, title, artist, date, first, last}]. */
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
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.drag = [event.offsetX, event.offsetY];
    this.began = this.drag;
    this.#told(null);
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

  #up(event) {
    const around = this.lasso;
    const still = this.began && Math.hypot(event.offsetX - this.began[0], event.offsetY - this.began[1]) < STILL;
    this.#cancel();
    const work = still && !this.lassoing && this.#at([event.offsetX, event.offsetY]);
    if (work) return this.opened(work);
    if (around?.length > 2) this.#choose(this.works.filter((one) => inside(this.#place(one), around)));
    return undefined;
  }

  #cancel() {
    this.drag = this.lasso = this.began = null;
    this.draw();
  }

  #choose(works) {
    this.selected = new Set(works.map((work) => work.key));
    this.draw();
    this.chosen([...this.selected]);
  }

  #point([x, y]) {
    this.#told(this.lassoing ? null : this.#at([x, y]), x, y);
  }

  #told(work, x, y) {
    this.canvas.classList.toggle("points", Boolean(work));
    this.pointed(work, x, y);
  }

  /** The work nearest to a place, null where none is near. */
  #at([x, y]) {
    let nearest = null;
    let least = NEAR ** 2;
    for (const work of this.works) {
      const [left, top] = this.#place(work);
      const far = (left - x) ** 2 + (top - y) ** 2;
      if (far < least) [nearest, least] = [work, far];
    }
    return nearest;
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
