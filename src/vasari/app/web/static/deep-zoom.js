// OpenSeadragon under a strict Content-Security-Policy, with buttons of ours in place of its pictures.
// The page loads vendor/openseadragon.min.js before it (a deferred script in the block "scripts").

/** A viewer in `element`; `options` go to OpenSeadragon. */
export function deepZoom(element, options) {
  // OpenSeadragon would add an inline style, which the policy refuses. It adds none where it finds this element, which
  // is of no namespace that means anything; the rule itself is in workbench.css.
  if (!document.querySelector("style[data-openseadragon-mobile-css]")) {
    const standIn = document.createElementNS("urn:vasari", "style");
    standIn.setAttribute("data-openseadragon-mobile-css", "true");
    document.head.append(standIn);
  }
  return window.OpenSeadragon({
    element,
    showNavigationControl: false,
    drawer: "canvas",
    animationTime: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.6,
    maxZoomPixelRatio: 4,
    gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    ...options,
  });
}
