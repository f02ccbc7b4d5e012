// What a task draws on, as a small graph: tasks in the order of their commits, and an arc for each that one draws on.

import { listed } from "./words.js";

const ROW = 26;
const FIRST = 13;
const LETTER = 8.2; // at 15 px, rather too wide than too narrow
const LONGEST = 26;

/** Gives the names of a task and of all that it draws on, directly or through others, in the order of commits. */
export function ancestry(name, tasks) {
  const byName = new Map(tasks.map((task) => [task.name, task]));
  const found = new Set();
  const open = [name];
  while (open.length) {
    const next = open.pop();
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(byName.get(next)?.draws_on ?? []));
  }
  return tasks.map((task) => task.name).filter((one) => found.has(one));
}

/** Draws a task's descent.
 * @returns {SVGElement} with words for those who cannot see it. */
export function descent(name, tasks) {
  const rows = ancestry(name, tasks);
  const y = (one) => FIRST + ROW * rows.indexOf(one);
  const arcs = rows.flatMap((child) => tasks.find((task) => task.name === child).draws_on.map((parent) => ({ child, parent })));
  const reach = (arc) => 10 + 9 * Math.min(6, rows.indexOf(arc.child) - rows.indexOf(arc.parent));
  const left = 6 + Math.max(0, ...arcs.map(reach));
  const width = Math.ceil(left + 14 + LETTER * Math.max(...rows.map((row) => Math.min(row.length, LONGEST))));
  const height = ROW * rows.length;
  const drawing = svg("svg", { class: "descent", role: "img", "aria-label": words(name, rows, tasks), width, height, viewBox: `0 0 ${width} ${height}` });
  for (const arc of arcs.sort((one, other) => (one.child === name) - (other.child === name))) {
    const [from, to, by] = [y(arc.parent), y(arc.child), (4 / 3) * (reach(arc) - 4)];
    const path = `M${left} ${from}C${left - by} ${from} ${left - by} ${to} ${left} ${to}`;
    drawing.append(svg("path", { d: path, class: arc.child === name ? "own" : "older" }));
  }
  for (const row of rows) {
    const kind = row === name ? "own" : "older";
    drawing.append(svg("circle", { cx: left, cy: y(row), r: 4.5, class: kind }));
    const text = svg("text", { x: left + 14, y: y(row) + 5, class: kind });
    text.textContent = row.length > LONGEST ? `${row.slice(0, LONGEST - 1)}…` : row;
    drawing.append(text);
  }
  return drawing;
}

function words(name, rows, tasks) {
  const direct = tasks.find((task) => task.name === name).draws_on;
  if (!direct.length) return `${name} draws on no other task.`;
  const others = rows.filter((row) => row !== name && !direct.includes(row));
  return `${name} draws on ${listed(direct)}${others.length ? `, and through them on ${listed(others)}` : ""}.`;
}

function svg(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
