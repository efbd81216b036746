/** A line chart or a scatter in SVG: axes with round ticks, a legend, and a movable vertical mark. */

import { axis } from "./axis.js";
import { h, svg } from "./element.js";

const [MIN_WIDTH, MAX_WIDTH] = [260, 640];
const MARGIN = { left: 60, right: 12, top: 10, bottom: 40 };

/**
 * Return { element, mark(x), update(series) } of `series`, each { name, points: [[x, y], …], dots, titles }.
 *
 * The axis of y includes the `limits`. With `reversed` x decreases from left to right. `log` names the logarithmic axes ("x", "y", "xy"); points that are null, or not above 0 on such an axis, are left out.
 * The chart is redrawn when its width changes instead of being scaled, which would scale its text too.
 */
export function chart({ x, y, series, log = "", reversed = false, limits = [], label: name }) {
  let shown = drawable(series, log);
  if (!shown.length) return { element: h("p", { class: "hint" }, "No measurements yet."), mark() {}, update() {} };
  const drawing = svg("svg", { class: "chart", role: "img", "aria-label": name });
  const legend = h("div", { class: "legend" }, shown.map((one) => h("span", { class: `c${one.place % 4}` }, one.name)));
  const element = h("div", {}, drawing, shown.length > 1 || shown[0].dots ? legend : null);
  let marked = null, moved = () => {}, before = 0;
  function fit(width) {
    moved = plot(drawing, Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, Math.floor(width))), { x, y, shown, log, reversed, limits });
    moved(marked);
  }
  fit(MIN_WIDTH);
  new ResizeObserver(([{ contentRect: { width } }]) => {
    // Only the width matters, because the height follows from it; in a new frame, to avoid a resize loop.
    if (width && width !== before) requestAnimationFrame(() => fit((before = width)));
  }).observe(element);
  return {
    element,
    mark: (value) => moved((marked = value ?? null)),
    /** Draw other series of the same names. */
    update(other) {
      shown = drawable(other, log);
      fit(before || MIN_WIDTH);
    },
  };
}

/** Draw into `drawing`, `width` pixels wide; returns a function that moves the mark. */
function plot(drawing, width, { x, y, shown, log, reversed, limits }) {
  const height = Math.round(Math.min(300, 0.6 * width + 40));
  const right = width - MARGIN.right, floor = height - MARGIN.bottom;
  const every = shown.flatMap((one) => one.points);
  const ends = reversed ? [right, MARGIN.left] : [MARGIN.left, right];
  const across = axis(every.map((point) => point[0]), log.includes("x"), ...ends);
  const up = axis([...limits, ...every.map((point) => point[1])], log.includes("y"), floor, MARGIN.top);
  for (const [name, value] of Object.entries({ viewBox: `0 0 ${width} ${height}`, width, height })) drawing.setAttribute(name, value);
  drawing.replaceChildren();
  for (const [at, text] of across.ticks) {
    drawing.append(svg("line", { class: "grid", x1: at, x2: at, y1: MARGIN.top, y2: floor }));
    drawing.append(label(at, floor + 15, text, "middle"));
  }
  for (const [at, text] of up.ticks) {
    drawing.append(svg("line", { class: "grid", x1: MARGIN.left, x2: right, y1: at, y2: at }));
    drawing.append(label(MARGIN.left - 6, at + 4, text, "end"));
  }
  drawing.append(label((MARGIN.left + right) / 2, height - 6, x, "middle"));
  const upright = label(0, 0, y, "middle");
  upright.setAttribute("transform", `translate(13 ${(MARGIN.top + floor) / 2}) rotate(-90)`);
  drawing.append(upright);
  shown.forEach(({ place, ...one }) => {
    const at = one.points.map(([a, b]) => [across.at(a), up.at(b)]);
    if (one.dots)
      at.forEach(([cx, cy], index) => {
        const dot = svg("circle", { class: `dot c${place % 4}`, cx, cy, r: 4 });
        dot.append(svg("title", {}, one.titles?.[one.points[index][2]] ?? one.name));
        drawing.append(dot);
      });
    else drawing.append(svg("path", { class: `line c${place % 4}`, d: `M${at.map((pair) => pair.map((v) => v.toFixed(1)).join(" ")).join("L")}` }));
  });
  const mark = svg("line", { class: "mark", y1: MARGIN.top, y2: floor, visibility: "hidden" });
  drawing.append(mark);
  return (value) => {
    const at = value === null ? NaN : across.at(value);
    mark.setAttribute("visibility", Number.isFinite(at) ? "visible" : "hidden");
    if (Number.isFinite(at)) ["x1", "x2"].forEach((end) => mark.setAttribute(end, at));
  };
}

/** Return the series that have points which fit the axes, with their `place` among all and these points. */
const drawable = (series, log) =>
  series
    .map((one, place) => ({ place, ...one, points: one.points.map((point, at) => [...point, at]).filter((point) => fits(point, log)) }))
    .filter((one) => one.points.length);

const fits = ([a, b], log) => Number.isFinite(a) && Number.isFinite(b) && (!log.includes("x") || a > 0) && (!log.includes("y") || b > 0);

const label = (x, y, text, anchor) => svg("text", { x, y, "text-anchor": anchor }, text);
