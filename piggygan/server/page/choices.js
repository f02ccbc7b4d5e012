// Which tasks answer: a task in a network that can predict is a choice.

import { element } from "./words.js";

const MOST_AT_FIRST = 6;

const fieldset = document.getElementById("choices");
let choices = [];
const watchers = [];

/** One way to answer.
 * @typedef {{key: string, task: string, network: string, label: string, kind: "mask"|"picture", address: string}} Choice */

/** Lists the ways in which tasks can answer.
 * @returns {Choice[]} */
export function choicesOf(tasks) {
  return tasks.flatMap(({ name, networks }) => {
    const usable = Object.entries(networks).filter(([, network]) => network.can_predict);
    const isOne = Object.keys(networks).length === 1;
    return usable.map(([network, { kind, rules }]) => ({
      key: `${name}/${network}`, task: name, network, kind,
      label: isOne ? name : `${name}, ${network}`,
      address: `/api/tasks/${encodeURIComponent(name)}/predict?${new URLSearchParams({ network, ...(rules ? { require: rules } : {}) })}`,
    }));
  });
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
export function offer(tasks) {
  const before = new Map([...fieldset.querySelectorAll("input")].map((box) => [box.value, box.checked]));
  choices = choicesOf(tasks);
  const isShort = choices.length <= MOST_AT_FIRST;
  const boxes = choices.map(({ key, label, kind }, at) => {
    const isFirst = before.size ? true : isShort || at >= choices.length - MOST_AT_FIRST;
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
