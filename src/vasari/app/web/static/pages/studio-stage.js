// The stage: a picture in deep zoom, what was made of it behind a curtain, and maps over it.

import { deepZoom } from "../deep-zoom.js";
import { send } from "../layout.js";

const TILE_PX = 512;
const { Point, Rect } = window.OpenSeadragon;

/** What the server knows of a picture: size, name, turn. */
export function factsOf(reference) {
  return send(`/studio/picture?${new URLSearchParams({ picture: reference })}`);
}

/** OpenSeadragon's tile source of a picture, or of a map of it in its color. */
export function tileSource(facts, { layer = "", turn } = {}) {
  const fixed = { picture: facts.reference };
  if (layer) fixed.layer = layer;
  if (turn) fixed.turn = turn;
  return {
    width: facts.width,
    height: facts.height,
    tileSize: TILE_PX,
    minLevel: 8,
    maxLevel: Math.ceil(Math.log2(Math.max(facts.width, facts.height, 2))),
    getTileUrl: (level, column, row) => `/studio/tile?${new URLSearchParams({ ...fixed, level, column, row })}`,
  };
}

export class Stage {
  /** `curtain` is the range that moves the border between before (left) and after (right), in percent. */
  constructor(element, curtain) {
    this.element = element;
    this.curtain = curtain;
    this.viewer = deepZoom(element, { visibilityRatio: 0.6, maxZoomPixelRatio: 8 });
    this.line = Object.assign(document.createElement("div"), { className: "curtain-line" });
    this.line.append(Object.assign(document.createElement("span"), { className: "curtain-grip" }));
    element.append(this.line);
    this.maps = new Map();
    this.square = null;
    this.shown = 0;
    this.viewer.addHandler("viewport-change", () => this.draw());
    this.viewer.addHandler("resize", () => this.draw());
    curtain.addEventListener("input", () => this.draw());
    this.#compares(false);
    this.#dragged();
  }

  /** Show a picture whole, and nothing over it. */
  async show(facts) {
    this.shown += 1;
    const turn = this.shown;
    this.facts = facts;
    this.after = null;
    this.maps.clear();
    this.clearPreview();
    this.viewer.world.removeAll();
    const base = await this.#added(tileSource(facts), turn);
    if (!base) return;
    this.base = base;
    this.viewer.viewport.goHome(true);
    this.draw();
  }

  /** Show no picture. */
  clear() {
    this.shown += 1;
    this.base = this.after = null;
    this.maps.clear();
    this.clearPreview();
    this.viewer.world.removeAll();
    this.#compares(false);
  }

  /** Show what was made of the picture to the right of the curtain; null for nothing. */
  async compare(facts) {
    const turn = this.shown;
    if (this.after) this.viewer.world.removeItem(this.after);
    this.after = null;
    for (const name of [...this.maps.keys()]) this.removeMap(name);
    if (facts) this.after = await this.#added(tileSource(facts), turn);
    if (this.after) this.viewer.world.setItemIndex(this.after, 1);
    this.draw();
  }

  /** Lay a map over the picture. */
  async map(name, facts) {
    const turned = { ...facts, width: this.facts.width, height: this.facts.height };
    const item = await this.#added(tileSource(turned, { layer: name, turn: this.facts.turn }), this.shown);
    if (!item) return;
    this.maps.set(name, item);
    this.viewer.world.setItemIndex(item, this.viewer.world.getItemCount() - 1);
  }

  removeMap(name) {
    if (this.maps.has(name)) this.viewer.world.removeItem(this.maps.get(name));
    this.maps.delete(name);
  }

  /** Lay pictures (addresses) over a square of the picture, the first to the right of the curtain alone. */
  preview(addresses, square) {
    if (!this.base) return;
    const location = this.base.imageToViewportRectangle(square.left, square.top, square.width, square.height);
    if (!this.layers) {
      this.layers = Object.assign(document.createElement("div"), { className: "preview-layers" });
      this.viewer.addOverlay({ element: this.layers, location });
    } else {
      this.viewer.updateOverlay(this.layers, location);
    }
    const images = addresses.map((address) => Object.assign(new Image(), { src: address, alt: "", className: "preview-layer" }));
    this.layers.replaceChildren(...images);
    this.square = square;
    this.draw();
  }

  clearPreview() {
    if (this.layers) this.viewer.removeOverlay(this.layers);
    this.layers = null;
    this.square = null;
  }

  /** The middle of the view in pixels of the picture. */
  get middle() {
    const found = this.base.viewportToImageCoordinates(this.viewer.viewport.getCenter(true));
    const inside = (value, size) => Math.round(Math.min(Math.max(value, 0), size - 1));
    return { x: inside(found.x, this.facts.width), y: inside(found.y, this.facts.height) };
  }

  /** Call `work` when the view was moved and stands still again. */
  whenMoved(work) {
    this.viewer.addHandler("animation-finish", work);
  }

  /** Put everything where the curtain and the view say. */
  draw() {
    if (!this.base) return;
    const share = Number(this.curtain.value) / 100;
    this.#compares(Boolean(this.after || this.layers));
    this.line.style.left = `${100 * share}%`;
    const border = this.base.viewerElementToImageCoordinates(new Point(share * this.element.clientWidth, 0)).x;
    if (this.after) {
      const left = Math.min(Math.max(border, 0), this.facts.width);
      this.after.setOpacity(left >= this.facts.width ? 0 : 1);
      const scale = this.after.getContentSize().x / this.facts.width; // what was made may be larger than the picture
      this.after.setClip(new Rect(scale * left, 0, scale * Math.max(1, this.facts.width - left), scale * this.facts.height));
    }
    const image = this.layers?.firstElementChild;
    if (image && this.square) {
      const hidden = Math.min(Math.max((border - this.square.left) / this.square.width, 0), 1);
      image.style.clipPath = `inset(0 0 0 ${100 * hidden}%)`;
    }
  }

  /** There is a curtain where there is a before and an after. */
  #compares(on) {
    this.line.hidden = !on;
    this.curtain.disabled = !on;
  }

  #added(source, turn) {
    return new Promise((resolve, reject) => {
      this.viewer.addTiledImage({
        tileSource: source,
        success: ({ item }) => {
          if (turn === this.shown) return resolve(item);
          this.viewer.world.removeItem(item);
          return resolve(null);
        },
        error: ({ message }) => reject(new Error(message)),
      });
    });
  }

  /** The line follows the pointer; the range does the same for the keyboard. */
  #dragged() {
    const grip = this.line.firstElementChild;
    const move = (event) => {
      const frame = this.element.getBoundingClientRect();
      this.curtain.value = ((100 * (event.clientX - frame.left)) / frame.width).toFixed(1);
      this.curtain.dispatchEvent(new Event("input", { bubbles: true }));
    };
    grip.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      event.stopPropagation();
      grip.setPointerCapture(event.pointerId);
      grip.addEventListener("pointermove", move);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      grip.addEventListener(name, () => grip.removeEventListener("pointermove", move));
    }
  }
}

/** The buttons of a toolbar with data-look: in, out, whole, real. */
export function looks(toolbar, stage) {
  const acts = {
    in: (viewport) => viewport.zoomBy(1.5),
    out: (viewport) => viewport.zoomBy(1 / 1.5),
    whole: (viewport) => viewport.goHome(),
    real: (viewport) => viewport.zoomTo(stage.base.imageToViewportZoom(1 / window.devicePixelRatio)),
  };
  toolbar.addEventListener("click", (event) => {
    const act = event.target.closest("[data-look]")?.dataset.look;
    if (!act || !stage.base) return;
    acts[act](stage.viewer.viewport);
    stage.viewer.viewport.applyConstraints();
  });
}
