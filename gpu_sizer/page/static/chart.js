// How a count moves: step lines over a doubling axis, drawn as SVG with text as text.
import { make } from "./view.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [440, 220, 34, 118, 12, 30];

function put(parent, tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

const short = (value) => {
  const power = [2, 1].find((n) => value >= 1024 ** n && value % 1024 ** n === 0) ?? 0;
  return `${value / 1024 ** power}${["", "k", "M"][power]}`;
};

/** A figure: for each line its points [value, count or null]; `here` marks where the controls stand. */
export function steps(title, axis, lines, here) {
  const values = lines[0]?.points.map(([value]) => value) ?? [];
  const counts = lines.flatMap((line) => line.points.map(([, count]) => count)).filter((count) => count !== null);
  if (values.length < 2 || !counts.length) return null;
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const x = (value) => LEFT + ((WIDTH - LEFT - RIGHT) * Math.log2(value / values[0])) / Math.log2(values.at(-1) / values[0]);
  // Counts double, too, so that small steps stay apart; one count alone stands in the middle.
  const [low, high] = least === most ? [least / 2, most * 2] : [least / 1.2, most];
  const y = (count) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * Math.log2(count / low)) / Math.log2(high / low);
  const told = lines.map((line) => `${line.name}: ${line.points.map(([v, c]) => `${short(v)} ${c ?? "none"}`).join(", ")}`).join(". ");
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}. ${told}` })) svg.setAttribute(key, value);
  // Every step has its number where there is room; the least and the most have theirs always.
  const shown = [];
  for (const count of new Set([most, least, ...[...counts].sort((a, b) => b - a)])) {
    if (shown.every((other) => Math.abs(y(count) - y(other)) > 13)) shown.push(count);
  }
  for (const count of shown) {
    put(svg, "line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(count), y2: y(count), class: "grid" });
    put(svg, "text", { x: LEFT - 6, y: y(count) + 4, "text-anchor": "end" }, count);
  }
  const each = Math.ceil(values.length / 6);
  values.forEach((value, i) => {
    if (i % each === 0) put(svg, "text", { x: x(value), y: HEIGHT - 10, "text-anchor": "middle" }, short(value));
  });
  if (here >= values[0] && here <= values.at(-1)) put(svg, "line", { x1: x(here), x2: x(here), y1: TOP, y2: HEIGHT - BOTTOM, class: "here" });
  const ends = [];
  lines.forEach((line, i) => {
    let path = "";
    let before = null;
    for (const [value, count] of line.points) {
      if (count !== null) path += before === null ? `M${x(value)} ${y(count)}` : `V${y(count)}H${x(value)}`;
      before = count;
    }
    put(svg, "path", { d: path, class: `line${i}`, fill: "none", "stroke-width": 2.5 });
    const last = line.points.filter(([, count]) => count !== null).at(-1);
    if (last) ends.push({ i, name: line.name, y: y(last[1]) + 4 });
  });
  ends.sort((a, b) => a.y - b.y).forEach((end, i, all) => {
    if (i && end.y - all[i - 1].y < 13) end.y = all[i - 1].y + 13;
    put(svg, "text", { x: WIDTH - RIGHT + 8, y: end.y, class: `label${end.i}` }, end.name.slice(0, 18));
  });
  const found = least === most ? `${least} throughout` : `${least} to ${most}`;
  return make("figure", {}, make("figcaption", {}, `${title} (${axis}): ${found}`), svg);
}
