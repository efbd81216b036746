/** A line chart or a scatter in SVG: axes with round ticks, a legend, and a mark that can be moved. */

import { of, svg } from "./element.js";

const [WIDTH, HEIGHT] = [460, 260];
const SIDES = { left: 52, right: 12, top: 10, bottom: 38 };

/**
 * Return { element, mark(x) } of `series`, each { name, points: [[x, y], …], dots, titles }.
 *
 * `log` names the axes ("x", "y", "xy") that are logarithmic; points that are null or not above 0 there are left out.
 */
export function chart({ x, y, series, log = "", label }) {
  const shown = series.map((one) => ({ ...one, points: one.points.map((point, at) => [...point, at]).filter((point) => fits(point, log)) }));
  const every = shown.flatMap((one) => one.points);
  if (!every.length) return { element: of("p", { class: "hint" }, "Nothing was measured yet."), mark() {} };
  const across = axis(every.map((point) => point[0]), log.includes("x"), SIDES.left, WIDTH - SIDES.right);
  const up = axis(every.map((point) => point[1]), log.includes("y"), HEIGHT - SIDES.bottom, SIDES.top);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": label });
  for (const [at, text] of across.ticks) {
    drawing.append(svg("line", { class: "grid", x1: at, x2: at, y1: SIDES.top, y2: HEIGHT - SIDES.bottom }));
    drawing.append(words(at, HEIGHT - SIDES.bottom + 14, text, "middle"));
  }
  for (const [at, text] of up.ticks) {
    drawing.append(svg("line", { class: "grid", x1: SIDES.left, x2: WIDTH - SIDES.right, y1: at, y2: at }));
    drawing.append(words(SIDES.left - 6, at + 4, text, "end"));
  }
  drawing.append(words((SIDES.left + WIDTH - SIDES.right) / 2, HEIGHT - 6, x, "middle"));
  const upright = words(0, 0, y, "middle");
  upright.setAttribute("transform", `translate(12 ${(SIDES.top + HEIGHT - SIDES.bottom) / 2}) rotate(-90)`);
  drawing.append(upright);
  shown.forEach((one, place) => {
    const at = one.points.map(([a, b]) => [across.at(a), up.at(b)]);
    if (one.dots)
      at.forEach(([cx, cy], index) => {
        const dot = svg("circle", { class: `dot c${place % 4}`, cx, cy, r: 4 });
        dot.append(svg("title", {}, one.titles?.[one.points[index][2]] ?? one.name));
        drawing.append(dot);
      });
    else drawing.append(svg("path", { class: `line c${place % 4}`, d: `M${at.map((pair) => pair.map((v) => v.toFixed(1)).join(" ")).join("L")}` }));
  });
  const moved = svg("line", { class: "mark", y1: SIDES.top, y2: HEIGHT - SIDES.bottom, visibility: "hidden" });
  drawing.append(moved);
  const legend = of("div", { class: "legend" }, shown.map((one, place) => of("span", { class: `c${place % 4}` }, one.name)));
  return {
    element: of("div", {}, drawing, shown.length > 1 || shown[0].dots ? legend : null),
    mark(value) {
      const at = value === null || value === undefined ? NaN : across.at(value);
      moved.setAttribute("visibility", Number.isFinite(at) ? "visible" : "hidden");
      if (Number.isFinite(at)) ["x1", "x2"].forEach((end) => moved.setAttribute(end, at));
    },
  };
}

const fits = ([a, b], log) => Number.isFinite(a) && Number.isFinite(b) && (!log.includes("x") || a > 0) && (!log.includes("y") || b > 0);

const words = (x, y, text, anchor) => svg("text", { x, y, "text-anchor": anchor }, text);

function axis(values, log, from, to) {
  const scale = log ? Math.log10 : (value) => value;
  let [low, high] = [Math.min(...values), Math.max(...values)].map(scale);
  if (high - low < 1e-9) [low, high] = [low - 0.5, high + 0.5];
  const margin = log ? 0.05 * (high - low) : 0;
  [low, high] = [low - margin, high + margin];
  const at = (value) => from + ((scale(value) - low) / (high - low)) * (to - from);
  const ticks = (log ? decades(low, high) : round(low, high)).map((value) => [at(value), said(value)]);
  return { at, ticks };
}

function round(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((by) => by * power).find((each) => each >= rough);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + step * 1e-9; at += step) found.push(Number(at.toPrecision(6)));
  return found;
}

function decades(low, high) {
  const found = [];
  const fine = high - low < 1.6;
  for (let power = Math.floor(low); power <= Math.ceil(high); power++)
    for (const by of fine ? [1, 2, 5] : [1]) {
      const value = by * 10 ** power;
      if (Math.log10(value) >= low - 1e-9 && Math.log10(value) <= high + 1e-9) found.push(value);
    }
  return found;
}

const said = (value) =>
  value === 0 ? "0" : Math.abs(value) >= 10000 ? `${Number((value / 1000).toPrecision(4))}k` : String(Number(value.toPrecision(3)));
