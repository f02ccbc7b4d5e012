// A card for each task: what it takes and makes, what it was trained on, how well it does, what it costs, where it comes from.

import { named } from "./choices.js";
import { descent } from "./descent.js";
import { count, counted, duration, element, figure, listed, percent, size } from "./words.js";

const FOREMOST = ["dice", "l1", "cycle_l1"]; // as `piggygan train` judges masks, pairs and unpaired sides
const LOWER_IS_BETTER = /^(l1|cycle_l1|hd95|assd)/;

export function showCards(tasks) {
  document.getElementById("cards").replaceChildren(...tasks.map((task) => card(task, tasks)));
}

function card(task, tasks) {
  const id = `card-${tasks.indexOf(task)}`;
  return element("article", { class: "card", "aria-labelledby": id },
    element("div", { class: "card-head" },
      element("div", {}, element("h3", { id }, named(task, tasks)), element("p", { class: "small" }, made(task))), foremost(task)),
    element("div", { class: "card-body" }, facts(task, tasks), descent(task.name, tasks)),
    scores(task), certificates(task));
}

function made({ networks }) {
  const kinds = Object.entries(networks).map(([name, { kind, in_channels: channels }]) => {
    const what = kind === null ? "made for a program of its own: it cannot be tried here" : `${kind === "mask" ? "makes masks" : "makes pictures"} of ${channels === 1 ? "grey" : "colour"} pictures`;
    return Object.keys(networks).length > 1 ? `${name}: ${what}` : what;
  });
  const text = kinds.join("; ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** The one score by which tasks of this kind are known, in large letters. */
function foremost({ scores: committed, trained }) {
  const [side, known] = bestKnown(committed, trained);
  const name = FOREMOST.find((one) => one in known) ?? Object.keys(known)[0];
  if (name === undefined) return null;
  const better = LOWER_IS_BETTER.test(name) ? "lower is better" : "higher is better";
  return element("dl", { class: "foremost" },
    element("dt", {}, spoken(name)), element("dd", { class: "value" }, figure(known[name])),
    element("dd", { class: "note" }, `${side}, ${better}`));
}

function bestKnown(committed, trained) {
  if (trained?.scores?.test) return ["test side", trained.scores.test];
  return ["when committed", committed ?? {}];
}

function facts(task, tasks) {
  const rows = [];
  const [stem] = task.name.split("@");
  if (named(task, tasks) !== task.name || task.version > 1) rows.push(["version", `${task.version}${task.is_newest ? `, the newest: ${stem} means it` : ""}`]);
  if (task.member) rows.push(["member", `${task.member.number} of ${task.member.of} of ${task.member.group}`]);
  const { trained, versions } = task;
  if (trained) {
    const sides = Object.entries(trained.pairs).map(([side, pairs]) => `${count(pairs)} ${side}`);
    rows.push(["trained on", `${trained.data}${sides.length ? `: ${sides.join(", ")}` : ""}`]);
    rows.push(["for", `${counted(trained.epochs, "epoch")}, ${duration(trained.seconds)}`]);
    if (trained.start_from) rows.push(["began as", trained.start_from]);
    if (trained.is_learned === false) rows.push(["learned", "no: one and the same answer does as well"]);
  } else {
    rows.push(["trained on", "not written beside the registry"]);
  }
  rows.push(["size", task.image_size === null ? "any" : `${task.image_size} × ${task.image_size} pixels`]);
  for (const [name, { cost }] of Object.entries(task.networks)) {
    const label = Object.keys(task.networks).length > 1 ? `cost, ${name}` : "cost";
    rows.push([label, `${percent(cost.share)} of a network: ${counted(cost.parameters, "parameter")}, ${size(cost.bytes)}`]);
  }
  rows.push(["committed", `${task.created.slice(0, 10)}, piggygan ${versions.piggygan}`]);
  return element("dl", { class: "facts" }, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function scores({ name, scores: committed, trained }) {
  const columns = trained
    ? [["validation", trained.scores.val], ["test", trained.scores.test], ["one answer for all", trained.floor]]
    : [["when committed", committed]];
  const known = columns.filter(([, values]) => values && Object.keys(values).length);
  if (!known.length) return null;
  const rows = [...new Set(known.flatMap(([, values]) => Object.keys(values)))];
  const head = element("tr", {}, element("th", { scope: "col" }, "score"), ...known.map(([side]) => element("th", { scope: "col", class: "number" }, side)));
  const body = rows.map((row) => element("tr", {}, element("th", { scope: "row" }, spoken(row)),
    ...known.map(([, values]) => element("td", { class: "number" }, figure(values[row] ?? NaN)))));
  const table = element("table", {}, element("caption", { class: "unseen" }, `Scores of ${name}`), element("thead", {}, head), element("tbody", {}, ...body));
  return element("details", {}, element("summary", {}, "All scores"), element("div", { class: "table", tabindex: 0, role: "region", "aria-label": `Scores of ${name}` }, table));
}

function certificates({ networks }) {
  const lists = Object.entries(networks).flatMap(([name, { certificate }]) => {
    const { recipe } = certificate;
    const where = [`torch ${recipe.torch}`, recipe.device, recipe.dtype, counted(recipe.threads, "thread"), recipe.machine, recipe.instructions];
    const rows = [["files", certificate.tensors_digest], ["answers", certificate.outputs_digest], ["computed with", listed(where.filter(Boolean))]];
    const title = Object.keys(networks).length > 1 ? element("h4", {}, name) : null;
    return [title, element("dl", { class: "digests" }, ...rows.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]))];
  });
  return element("details", {}, element("summary", {}, "Certificate"), ...lists);
}

const spoken = (name) => name.replaceAll("_", " ");
