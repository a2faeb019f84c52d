// A trend, shares or a comparison as a chart: lines with bands, change points as upright lines.

const COLORS = ["--accent", "--good", "--warn", "--edge", "--bad", "--faint", "--ink", "--accent-strong"];

/** Draw into `box` what its data-plot holds; gives a function that takes the chart away. */
export function chart(box) {
  const told = JSON.parse(box.dataset.plot);
  const resolved = probe(box);
  const years = [...new Set(told.series.flatMap((one) => one.years))].sort((a, b) => a - b);
  const at = new Map(years.map((year, place) => [year, place]));
  const data = [years];
  const series = [{ label: box.dataset.year, value: (_, year) => year ?? "–" }];
  const bands = [];
  told.series.forEach((one, number) => {
    const stroke = resolved(COLORS[number % COLORS.length]);
    const place = series.length;
    for (const column of ["estimate", "high", "low"]) data.push(spread(one.years, one[column], at, years.length));
    series.push({ label: one.name, stroke, width: 2, dash: one.dashed ? [6, 4] : undefined, value: (_, value) => (value == null ? "–" : value.toPrecision(4)) });
    for (let edge = 0; edge < 2; edge++) series.push({ stroke: "transparent", width: 0, label: "", points: { show: false }, class: "edge" });
    bands.push({ series: [place + 1, place + 2], fill: translucent(stroke) });
  });
  const ink = resolved("--faint");
  const axis = { stroke: ink, grid: { stroke: resolved("--line"), width: 1 }, ticks: { stroke: resolved("--line") } };
  const options = {
    width: box.clientWidth - 16,
    height: 380,
    scales: { x: { time: false } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((year) => (Number.isInteger(year) ? String(year) : "")) }, { ...axis, label: told.axis, size: 64 }],
    series,
    bands,
    legend: { show: true, isolate: false },
    cursor: { drag: { x: true, y: false } },
    hooks: { draw: [(plot) => marks(plot, told.changes, resolved("--accent-strong"))] },
  };
  box.replaceChildren();
  const plot = new uPlot(options, data, box);
  for (const [number, row] of [...box.querySelectorAll(".u-legend .u-series")].entries()) if (number > 0 && (number - 1) % 3) row.hidden = true;
  const watch = new ResizeObserver(() => plot.setSize({ width: box.clientWidth - 16, height: 380 }));
  watch.observe(box);
  return () => {
    watch.disconnect();
    plot.destroy();
  };
}

function spread(years, values, at, length) {
  const row = new Array(length).fill(null);
  years.forEach((year, number) => (row[at.get(year)] = values[number]));
  return row;
}

/** Colors of the theme as the canvas understands them: light-dark() has to be resolved by an element first. */
function probe(box) {
  const drop = document.createElement("i");
  box.append(drop);
  const found = new Map();
  for (const name of [...COLORS, "--line", "--faint"]) {
    drop.style.color = `var(${name})`;
    found.set(name, getComputedStyle(drop).color);
  }
  drop.remove();
  return (name) => found.get(name);
}

function translucent(color) {
  const parts = color.match(/[\d.]+/g) ?? ["128", "128", "128"];
  return `rgba(${parts.slice(0, 3).join(", ")}, 0.16)`;
}

function marks(plot, changes, color) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.setLineDash([3, 3]);
  for (const one of changes) {
    const x = plot.valToPos(one.year, "x", true);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
