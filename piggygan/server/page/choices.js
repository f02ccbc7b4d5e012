// Which tasks answer: a task in a network that can predict is a choice.

import { element } from "./words.js";

const MOST_AT_FIRST = 6;

const fieldset = document.getElementById("choices");
let choices = [];
const watchers = [];

/** One way to answer.
 * @typedef {{key: string, task: string, network: string, label: string, kind: "mask"|"picture", isMember: boolean, address: string}} Choice */

/** Lists the ways in which tasks and ensembles can answer. A version is asked for by the name that means it alone.
 * @returns {Choice[]} */
export function choicesOf({ tasks, ensembles }) {
  const members = new Set(ensembles.flatMap((ensemble) => ensemble.members));
  return [
    ...tasks.flatMap((task) => ways(task, named(task, tasks), members.has(task.name))),
    ...ensembles.flatMap((ensemble) => ways(ensemble, `${ensemble.name}, mean of ${ensemble.members.length}`, false)),
  ];
}

/** What a task is called where its other versions are seen, too. */
export function named(task, tasks) {
  const [stem] = task.name.split("@");
  return tasks.some(({ name }) => name !== task.name && name.split("@")[0] === stem) ? task.pinned : task.name;
}

function ways({ name, pinned, networks }, called, isMember) {
  const usable = Object.entries(networks).filter(([, network]) => network.can_predict);
  const isOne = Object.keys(networks).length === 1;
  return usable.map(([network, { kind, rules }]) => ({
    key: `${name}/${network}`, task: name, network, kind, isMember,
    label: isOne ? called : `${called}, ${network}`,
    address: `/api/tasks/${encodeURIComponent(pinned)}/predict?${new URLSearchParams({ network, ...(rules ? { require: rules } : {}) })}`,
  }));
}

/** Those that are chosen, in the order of their tasks' commits. */
export function chosen() {
  const keys = new Set([...fieldset.querySelectorAll("input:checked")].map((box) => box.value));
  return choices.filter(({ key }) => keys.has(key));
}

export function onChosen(watcher) {
  watchers.push(watcher);
}

/** Offers the tasks; what was chosen before stays so, and a new task is chosen. */
export function offer(about) {
  const before = new Map([...fieldset.querySelectorAll("input")].map((box) => [box.value, box.checked]));
  choices = choicesOf(about);
  const isShort = choices.length <= MOST_AT_FIRST;
  const boxes = choices.map(({ key, label, kind, isMember }, at) => {
    const isFirst = !isMember && (before.size > 0 || isShort || at >= choices.length - MOST_AT_FIRST);
    const box = element("input", { type: "checkbox", value: key });
    box.checked = before.get(key) ?? isFirst;
    box.addEventListener("change", announce);
    return element("label", {}, box, element("span", {}, label), element("small", {}, kind));
  });
  for (const old of fieldset.querySelectorAll("label, p")) old.remove();
  fieldset.append(...boxes);
  if (!boxes.length) fieldset.append(element("p", { class: "problem" }, "No task here takes pictures: the cards below say what each is."));
  fieldset.hidden = false;
  announce();
}

function announce() {
  for (const watcher of watchers) watcher(chosen());
}
