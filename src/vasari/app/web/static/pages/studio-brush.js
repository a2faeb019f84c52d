// The brush: strokes painted over a picture in layers, by pointer or by keys, and given as masks.

const LONGEST_PX = 2048;
const STEP = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Brush {
  /** `colors`: layer -> color; `radius()` gives the brush's radius in pixels of the screen; `changed()` is told. */
  constructor(stage, { colors, label, radius, changed }) {
    Object.assign(this, { stage, colors, radius, changed });
    this.layer = Object.keys(colors)[0];
    this.strokes = [];
    this.canvas = Object.assign(document.createElement("canvas"), { className: "brush", tabIndex: 0 });
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", label);
    this.spot = null;
    this.#listen();
  }

  /** Begin to paint on the picture that is shown. */
  start() {
    const { base, facts, viewer } = this.stage;
    const scale = Math.min(1, LONGEST_PX / Math.max(facts.width, facts.height));
    this.canvas.width = Math.max(1, Math.round(facts.width * scale));
    this.canvas.height = Math.max(1, Math.round(facts.height * scale));
    viewer.addOverlay({ element: this.canvas, location: base.imageToViewportRectangle(0, 0, facts.width, facts.height) });
    this.on = true;
    this.spot = [this.canvas.width / 2, this.canvas.height / 2];
    this.hold(false);
    this.draw();
  }

  /** Keep what is painted in sight while the pointer moves the picture (`held`), or let it paint. */
  hold(held) {
    this.canvas.classList.toggle("held", held);
    this.stage.element.classList.toggle("painting", !held);
    this.stage.viewer.setMouseNavEnabled(held);
  }

  /** Take the brush away, and keep what was painted for when it starts again. */
  pause() {
    if (this.on) this.stage.viewer.removeOverlay(this.canvas);
    this.on = false;
    this.stage.element.classList.remove("painting");
    this.stage.viewer.setMouseNavEnabled(true);
  }

  /** Take the brush and all that was painted away. */
  stop() {
    this.pause();
    this.strokes = [];
  }

  undo() {
    this.strokes.pop();
    this.#told();
  }

  clear() {
    this.strokes = [];
    this.#told();
  }

  /** Whether anything is painted in a layer. */
  has(layer) {
    return this.strokes.some((stroke) => stroke.layer === layer);
  }

  /** A layer as a PNG whose alpha is the mask. */
  async png(layer) {
    const canvas = new OffscreenCanvas(this.canvas.width, this.canvas.height);
    this.#paint(canvas.getContext("2d"), this.strokes.filter((stroke) => stroke.layer === layer), "#fff");
    return canvas.convertToBlob({ type: "image/png" });
  }

  draw() {
    if (!this.on) return;
    const pen = this.canvas.getContext("2d");
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const stroke of this.strokes) this.#paint(pen, [stroke], this.colors[stroke.layer]);
    if (this.spot && (this.hovered || document.activeElement === this.canvas)) this.#ring(pen);
  }

  #paint(pen, strokes, color) {
    Object.assign(pen, { lineCap: "round", lineJoin: "round", strokeStyle: color });
    for (const { points, width } of strokes) {
      pen.lineWidth = width;
      pen.beginPath();
      points.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      if (points.length === 1) pen.lineTo(points[0][0] + 0.01, points[0][1]);
      pen.stroke();
    }
  }

  /** Where the pointer or the keys would paint, and how broad. */
  #ring(pen) {
    for (const [color, width] of [["#000", 4], ["#fff", 2]]) {
      Object.assign(pen, { strokeStyle: color, lineWidth: width * this.#pixel });
      pen.beginPath();
      pen.arc(...this.spot, this.#width / 2, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  /** Pixels of the canvas in one of the screen. */
  get #pixel() {
    const wide = this.canvas.getBoundingClientRect().width;
    return wide ? this.canvas.width / wide : 1;
  }

  get #width() {
    return Math.max(1, 2 * this.radius() * this.#pixel);
  }

  #begin(point) {
    this.strokes.push({ layer: this.layer, width: this.#width, points: [point] });
  }

  #told() {
    this.draw();
    this.changed();
  }

  #listen() {
    const at = (event) => {
      const frame = this.canvas.getBoundingClientRect();
      return [(event.clientX - frame.left) * this.#pixel, (event.clientY - frame.top) * this.#pixel];
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.canvas.classList.contains("held")) return;
      event.stopPropagation();
      event.preventDefault();
      this.canvas.setPointerCapture(event.pointerId);
      this.painting = true;
      this.#begin(at(event));
      this.draw();
    });
    this.canvas.addEventListener("pointermove", (event) => {
      this.hovered = true;
      this.spot = at(event);
      if (this.painting) {
        event.stopPropagation();
        this.strokes.at(-1).points.push(this.spot);
      }
      this.draw();
    });
    this.canvas.addEventListener("pointerleave", () => {
      this.hovered = false;
      this.draw();
    });
    for (const name of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(name, () => {
        if (this.painting) this.#told();
        this.painting = false;
      });
    }
    for (const name of ["focus", "blur"]) this.canvas.addEventListener(name, () => this.draw());
    this.canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    const step = STEP[event.key];
    if (step) {
      const far = (event.shiftKey ? 2 : 0.5) * this.#width;
      this.spot = [
        Math.min(Math.max(this.spot[0] + far * step[0], 0), this.canvas.width),
        Math.min(Math.max(this.spot[1] + far * step[1], 0), this.canvas.height),
      ];
      this.draw();
    } else if (event.key === " " || event.key === "Enter") {
      this.#begin([...this.spot]);
      this.#told();
    } else if (event.key === "Backspace") {
      this.undo();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}
