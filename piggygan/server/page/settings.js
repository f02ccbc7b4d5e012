// How masks are shown: one setting for all of them, so that they can be compared.

import { CUT, threshold } from "./drawing.js";

const FIRST = { show: "over", tint: 0.25, cut: CUT };

/** As set just now. */
export const settings = { ...FIRST };

const watchers = new Set();
let isAnnounced = false;

/** Calls `watcher` after a change, once for all the changes of one frame.
 * @returns a function that ends it. */
export function onSettings(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** Brings the controls to life. */
export function watchControls() {
  const [tint, cut] = [document.getElementById("tint"), document.getElementById("cut")];
  const shows = [...document.querySelectorAll("input[name=show]")];
  const read = () => {
    settings.show = shows.find((choice) => choice.checked).value;
    settings.tint = Number(tint.value) / 100;
    settings.cut = Number(cut.value);
    tint.disabled = settings.show !== "over";
    cut.disabled = settings.show === "values";
    say("tint", `${tint.value}%`);
    say("cut", threshold(settings.cut));
    announce();
  };
  const say = (name, text) => {
    document.getElementById(`${name}-shown`).textContent = text;
    document.getElementById(name).setAttribute("aria-valuetext", text);
  };
  for (const control of [tint, cut, ...shows]) control.addEventListener("input", read);
  document.getElementById("reset").addEventListener("click", () => {
    tint.value = 100 * FIRST.tint;
    cut.value = FIRST.cut;
    for (const choice of shows) choice.checked = choice.value === FIRST.show;
    read();
  });
  read();
}

function announce() {
  if (isAnnounced) return;
  isAnnounced = true;
  requestAnimationFrame(() => {
    isAnnounced = false;
    for (const watcher of watchers) watcher(settings);
  });
}
