// One file of a visitor: what it looks like, and what the chosen tasks make of it.

import { chosen } from "./choices.js";
import { Comparison } from "./comparison.js";
import { Look } from "./look.js";
import { unusedStem } from "./packing.js";
import { askInTurn, factsOf } from "./server.js";
import { count, formed, listed, say, show, size } from "./words.js";

const stems = new Set();

/** A file that was dropped, chosen, pasted, or drawn by the server. */
export class Film {
  looks = new Map();
  facts = {};
  preview = null;
  #end = new AbortController();
  #said = "";

  /** @param {File} file
   * @param {(film: Film) => void} gone is called once it was removed. */
  constructor(file, gone) {
    Object.assign(this, { file, gone, name: file.name || "picture", stem: unusedStem(file.name, stems) });
    this.place = formed("film-form").firstElementChild;
    this.#part("h3").textContent = this.name;
    this.place.setAttribute("aria-label", this.name);
    this.#part(".about").textContent = size(file.size);
    this.#part(".remove").setAttribute("aria-label", `Remove ${this.name}`);
    this.#part(".remove").addEventListener("click", () => this.end());
    this.#part(".again").setAttribute("aria-label", `Try again: ${this.name}`);
    this.#part(".again").addEventListener("click", () => this.begin());
    this.comparison = new Comparison(this, this.#part(".comparison"), this.#part(".compare"));
  }

  #part(selector) {
    return this.place.querySelector(selector);
  }

  /** Shows the film as the server reads it; then the tasks are asked. */
  async begin() {
    this.#fail("");
    this.place.setAttribute("aria-busy", "true");
    try {
      const { signal } = this.#end;
      const response = await askInTurn("/api/preview", { method: "POST", body: this.file, signal });
      this.facts = factsOf(response);
      this.preview = await createImageBitmap(await response.blob());
    } catch (error) {
      if (!this.#end.signal.aborted) this.#fail(error.message);
      return;
    } finally {
      this.place.setAttribute("aria-busy", "false");
    }
    this.width = this.preview.width;
    this.height = this.preview.height;
    const { format, rows, columns } = this.facts;
    this.#part(".about").textContent = `${format}, ${count(columns)} × ${count(rows)}, ${size(this.file.size)}`;
    this.#showInput();
    this.choose(chosen());
  }

  /** Asks those tasks that are chosen now, and forgets what the others said. */
  choose(choices) {
    if (!this.preview) return;
    const keys = new Set(choices.map(({ key }) => key));
    for (const [key, look] of this.looks) {
      if (keys.has(key)) continue;
      look.end();
      this.looks.delete(key);
    }
    const list = this.#part(".looks");
    const before = this.looks;
    this.looks = new Map(choices.map((choice) => [choice.key, before.get(choice.key) ?? new Look(this, choice)]));
    for (const [key, look] of this.looks) {
      if (!before.has(key)) look.ask();
      if (list.children[[...this.looks.keys()].indexOf(key) + 1] !== look.place) list.append(look.place);
    }
    this.changed();
  }

  /** Forgets all answers, and asks again: the tasks are others now. */
  renew(choices) {
    this.choose([]);
    this.choose(choices);
  }

  /** Those that have answered. */
  get answers() {
    return [...this.looks.values()].filter((look) => look.state === "done");
  }

  /** Is told by its answers that one has come, or gone. */
  changed() {
    this.comparison.offer();
    const all = [...this.looks.values()];
    if (!all.length || all.some((look) => look.state === "waiting")) {
      this.#said = "";
      return;
    }
    const [good, bad] = [this.answers, all.filter((look) => look.state === "failed")];
    const names = (looks) => listed(looks.map((look) => look.choice.label));
    const words = [good.length ? `${names(good)} answered` : "", bad.length ? `${names(bad)} could not` : ""];
    const said = `${this.name}: ${words.filter(Boolean).join("; ")}.`;
    if (said !== this.#said) say(said);
    this.#said = said;
  }

  drawOn(canvas) {
    Object.assign(canvas, { width: this.width, height: this.height });
    canvas.getContext("2d").drawImage(this.preview, 0, 0);
  }

  /** Removes it, with everything that was asked for. */
  end() {
    this.#end.abort();
    for (const look of this.looks.values()) look.end();
    this.comparison.end();
    const next = this.place.nextElementSibling ?? this.place.previousElementSibling;
    this.place.remove();
    stems.delete(this.stem.toLowerCase());
    say(`${this.name} was removed.`);
    (next ?? document.getElementById("choose")).focus();
    this.gone(this);
  }

  #showInput() {
    const item = formed("look-form").firstElementChild;
    item.classList.add("input");
    item.querySelector(".name").textContent = "input";
    item.querySelector(".acts").remove();
    const canvas = item.querySelector("canvas");
    canvas.setAttribute("aria-label", `${this.name}, as it was read`);
    this.drawOn(canvas);
    this.#part(".looks").replaceChildren(item);
  }

  #fail(text) {
    this.problem = text;
    show(this.#part(".problem"), text);
    this.#part(".again").hidden = !text;
    this.place.classList.toggle("failed", Boolean(text));
    if (text) say(`${this.name}: ${text}`);
  }
}
