// What a task draws on, as a small graph: tasks in the order of their commits, and an arc for each that one draws on.

import { surface } from "./drawing.js";
import { listed } from "./words.js";

const ROW = 26;
const FIRST = 13;
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
  const width = Math.ceil(left + 14 + widest(rows.map(shortened)));
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
    text.textContent = shortened(row);
    drawing.append(text);
  }
  return drawing;
}

const shortened = (name) => (name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name);

/** Pixels of the widest of some names, in the letters of the task itself. */
function widest(names) {
  const context = surface(1, 1).getContext("2d");
  context.font = `600 15px ${getComputedStyle(document.body).fontFamily}`;
  return Math.max(...names.map((name) => context.measureText(name).width)) + 1;
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
