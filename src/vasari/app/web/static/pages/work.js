// The page of a work: deep zoom with buttons and keys, and forms that open and shut in place.
import { deepZoom } from "../deep-zoom.js";

const element = document.getElementById("viewer");
if (element) look(element);

function look(frame) {
  const zoom = document.getElementById("zoom");
  const viewer = deepZoom(frame, { tileSources: frame.dataset.info });
  const shown = () => {
    const item = viewer.world.getItemAt(0);
    if (item) zoom.textContent = `${Math.round(100 * item.viewportToImageZoom(viewer.viewport.getZoom(true)))} %`;
  };
  for (const name of ["open", "zoom", "animation", "animation-finish", "resize"]) viewer.addHandler(name, shown);

  const acts = {
    in: () => viewer.viewport.zoomBy(1.5),
    out: () => viewer.viewport.zoomBy(1 / 1.5),
    whole: () => viewer.viewport.goHome(),
    real: () => viewer.viewport.zoomTo(viewer.world.getItemAt(0).imageToViewportZoom(1 / window.devicePixelRatio)),
    turn: () => viewer.viewport.setRotation(viewer.viewport.getRotation() + 90),
    full: () => (document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen()),
  };
  document.querySelector(".look .toolbar").addEventListener("click", (event) => {
    const act = event.target.closest("[data-look]")?.dataset.look;
    if (!act || !viewer.world.getItemCount()) return;
    acts[act]();
    viewer.viewport.applyConstraints();
  });
  for (const sheet of document.querySelectorAll(".sheet")) {
    sheet.addEventListener("click", () => {
      for (const other of document.querySelectorAll(".sheet")) other.setAttribute("aria-pressed", String(other === sheet));
      viewer.open(sheet.dataset.info);
    });
  }
}

for (const button of document.querySelectorAll("[data-by]")) {
  button.addEventListener("click", () => {
    for (const other of document.querySelectorAll("[data-by]")) other.setAttribute("aria-pressed", String(other === button));
  });
}

// A form that is opened takes the focus; one that is shut, or was kept, gives it back to its own summary.
document.addEventListener(
  "toggle",
  (event) => {
    if (event.target.matches?.(".edit[open]")) event.target.querySelector('[name="value"]').focus();
  },
  true,
);
document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-shuts]")?.closest(".edit");
  if (!form) return;
  form.open = false;
  form.querySelector("summary").focus();
});
document.addEventListener("htmx:afterSettle", () => {
  const changed = document.querySelector("[data-changed]");
  changed?.querySelector("summary").focus();
  changed?.removeAttribute("data-changed");
});
