// Two answers to one film under one line that is moved: left of it the one, right of it the other.

import { onSettings } from "./settings.js";
import { element, formed } from "./words.js";

/** What lies under the line for one film. */
export class Comparison {
  #forget = onSettings(() => this.draw());
  #offered = "";

  /** @param {import("./film.js").Film} film
   * @param {HTMLElement} place where it is shown
   * @param {HTMLButtonElement} button opens and closes it */
  constructor(film, place, button) {
    Object.assign(this, { film, place, button });
    button.setAttribute("aria-label", `Compare answers to ${film.name}`);
    button.addEventListener("click", () => this.#turn(place.hidden));
  }

  /** Offers what there is to compare just now. */
  offer() {
    const sources = this.#sources;
    this.button.hidden = sources.length < 2;
    if (sources.length < 2) this.#turn(false);
    const offered = sources.map(({ label }) => label).join("\n");
    if (this.place.hidden || offered === this.#offered) return;
    this.#offered = offered;
    const masks = sources.filter(({ look }) => look?.isMask);
    const pair = masks.length > 1 ? masks.slice(-2) : [sources[0], sources.at(-1)];
    [".left", ".right"].forEach((side, at) => {
      const select = this.place.querySelector(side);
      const before = select.value;
      select.replaceChildren(...sources.map(({ key, label }) => element("option", { value: key }, label)));
      select.value = sources.some(({ key }) => key === before) ? before : pair[at].key;
    });
    this.draw();
  }

  draw() {
    if (this.place.hidden) return;
    const sources = this.#sources;
    for (const [side, layer] of [[".left", ".below"], [".right", ".above"]]) {
      const source = sources.find(({ key }) => key === this.place.querySelector(side).value);
      const canvas = this.place.querySelector(layer);
      (source.look ?? this.film).drawOn(canvas);
      canvas.setAttribute("aria-label", `${side.slice(1)}: ${source.look?.words ?? `${this.film.name}, as it was read`}`);
    }
  }

  end() {
    this.#forget();
  }

  get #sources() {
    const input = { key: "input", label: "input" };
    return [input, ...this.film.answers.map((look) => ({ key: look.choice.key, label: look.choice.label, look }))];
  }

  #turn(isOpen) {
    this.place.hidden = !isOpen;
    this.button.setAttribute("aria-expanded", isOpen);
    if (!isOpen) return;
    if (!this.place.children.length) this.#build();
    this.offer();
    this.draw();
  }

  #build() {
    this.place.append(formed("comparison-form"));
    const [line, curtain] = ["input", ".curtain"].map((selector) => this.place.querySelector(selector));
    const move = () => {
      curtain.style.setProperty("--at", `${line.value}%`);
      line.setAttribute("aria-valuetext", `${Math.round(line.value)}% of the width shows the left one`);
    };
    line.setAttribute("aria-label", `Line between the two answers to ${this.film.name}`);
    line.addEventListener("input", move);
    move();
    for (const select of this.place.querySelectorAll("select")) select.addEventListener("change", () => this.draw());
  }
}
