// The certificates, computed again where the visitor can see it.

import { ask } from "./server.js";
import { counted, duration, element, figure, say } from "./words.js";

const WORDS = {
  equal: "✓ equal",
  "files equal": "✓ files equal",
  "recipe differs": "✓ weights equal",
  damaged: "✗ DAMAGED",
};

/** Brings the button to life. */
export function watchProof() {
  const button = document.getElementById("verify");
  const place = document.getElementById("verdicts");
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.textContent = "Verifying …";
    say("Verifying: every certificate is computed again.");
    try {
      show(place, await (await ask("/api/verify", { method: "POST" })).json());
    } catch (error) {
      place.replaceChildren(box("bad", error.message));
      say(error.message);
    }
    button.disabled = false;
    button.textContent = "Verify again";
    button.focus();
  });
}

function show(place, { sound, registry, seconds, tasks, notes }) {
  const bad = tasks.filter((task) => !task.is_sound).length;
  const verdict = sound
    ? `All is sound: ${counted(tasks.length, "certificate")} computed again in ${duration(seconds)}.`
    : `Not sound: ${bad ? `${counted(bad, "certificate")} of ${tasks.length} ${bad === 1 ? "does" : "do"} not hold` : "see below"}.`;
  const list = element("ul", { class: "proofs" }, ...tasks.map(proof));
  const others = notes.map((note) => box("", note));
  place.replaceChildren(box(sound ? "good" : "bad", verdict), list, ...others, element("p", { class: "small digest" }, registry));
  say(verdict);
}

function proof({ task, network, state, largest_difference: difference, reason, is_sound: isSound }) {
  const label = network === "generator" ? task : `${task}, ${network}`;
  const parts = [element("span", { class: "label" }, label), element("span", { class: "verdict" }, WORDS[state] ?? state)];
  if (reason) parts.push(element("p", { class: "small" }, reason));
  if (difference) parts.push(element("p", { class: "small" }, `Largest difference: ${figure(difference)}.`));
  return element("li", { class: isSound ? "proof" : "proof bad" }, ...parts);
}

const box = (tone, text) => element("p", { class: `note-box ${tone}` }, text);
