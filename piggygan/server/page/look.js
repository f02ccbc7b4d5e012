// One answer: what a task makes of a film, drawn, measured, and saved.

import { cutAt, CUT, foreground, histogram, levelsOf, painted, surface, threshold } from "./drawing.js";
import { greyPng, save } from "./packing.js";
import { askInTurn, factsOf } from "./server.js";
import { onSettings, settings } from "./settings.js";
import { element, figure, formed, percent, show } from "./words.js";

const DICOM = "application/dicom";
const ALTERED = "This browser alters pictures that a page reads, to protect you from being recognized: the mask here is not exact.";

/** Draws only what can be seen. */
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) looks.get(entry.target)?.come(entry.isIntersecting);
}, { rootMargin: "200px" });
const looks = new WeakMap();

/** What a choice makes of a film.
 * @param {import("./film.js").Film} film
 * @param {import("./choices.js").Choice} choice */
export class Look {
  state = "waiting"; // "done", "failed"
  facts = {};
  #seen = true;
  #end = new AbortController();

  constructor(film, choice) {
    Object.assign(this, { film, choice });
    this.place = formed("look-form").firstElementChild;
    this.#part(".name").textContent = choice.label;
    this.#forget = onSettings(() => this.draw());
    looks.set(this.place, this);
    seen.observe(this.place);
  }

  #forget;

  #part(selector) {
    return this.place.querySelector(selector);
  }

  get isMask() {
    return this.choice.kind === "mask";
  }

  /** Asks for the answer, and shows it or the reason why there is none. */
  async ask() {
    this.#to("waiting", "waiting");
    try {
      const address = this.choice.address + (this.isMask ? "&show=values" : "");
      const response = await this.#post(address, "image/png", (text) => this.#to("waiting", text));
      this.facts = factsOf(response);
      this.blob = await response.blob();
      await this.#read();
      this.#to("done");
      this.#tell();
      this.draw();
    } catch (error) {
      if (this.#end.signal.aborted) return;
      this.problem = error.message;
      this.#to("failed");
    }
  }

  /** Ends it: nothing more is asked for, or drawn. */
  end() {
    this.#end.abort();
    this.#forget();
    seen.unobserve(this.place);
    this.place.remove();
  }

  come(isSeen) {
    const isNew = isSeen && !this.#seen;
    this.#seen = isSeen;
    if (isNew) this.draw();
  }

  /** Draws it as it is shown just now. */
  draw() {
    if (this.state !== "done" || !this.#seen) return;
    const canvas = this.#part("canvas");
    this.drawOn(canvas);
    canvas.setAttribute("aria-label", this.words);
    this.#part(".measure").textContent = this.isMask ? percent(this.share) : "";
    const dicom = this.#part(".dicom");
    if (dicom) dicom.textContent = settings.cut === CUT ? "DICOM SEG" : `DICOM SEG at ${threshold(CUT)}`;
  }

  drawOn(canvas) {
    const { width, height, preview } = this.film;
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.drawImage(this.isMask ? preview : this.picture, 0, 0, width, height);
    if (!this.isMask) return;
    const layer = surface(width, height);
    layer.getContext("2d").putImageData(painted(this.levels, width, height, settings), 0, 0);
    context.drawImage(layer, 0, 0);
  }

  /** The share of the film's own pixels that are foreground at the threshold. */
  get share() {
    return foreground(this.counts, settings.cut);
  }

  get words() {
    const { label } = this.choice;
    if (!this.isMask) return `What ${label} makes of ${this.film.name}`;
    if (settings.show === "values") return `${label} on ${this.film.name} before it is cut into a mask`;
    return `Mask of ${label} on ${this.film.name}: ${percent(this.share)} of it`;
  }

  /** The PNG to save: a mask at the threshold set, at the film's own size, or the picture as the server made it. */
  async png() {
    if (!this.isMask) return this.blob;
    const { levels, width, height } = await levelsOf(this.blob);
    return greyPng(settings.show === "values" ? levels : cutAt(levels, settings.cut), width, height);
  }

  /** The DICOM Segmentation, which the server makes of the mask at the task's own threshold. */
  async segmentation() {
    return (await this.#post(this.choice.address, DICOM)).blob();
  }

  get hasSegmentation() {
    return this.isMask && this.film.facts.format === "DICOM";
  }

  /** A name for files of it, without an ending. */
  get stem() {
    return this.choice.label.replaceAll(/[^\p{L}\p{N}@._-]+/gu, "_");
  }

  #post(address, accept, tell) {
    return askInTurn(address, { method: "POST", body: this.film.file, accept, signal: this.#end.signal }, tell);
  }

  async #read() {
    if (!this.isMask) {
      this.picture = await createImageBitmap(this.blob);
      return;
    }
    this.counts = histogram((await levelsOf(this.blob)).levels);
    this.levels = (await levelsOf(this.blob, this.film.width, this.film.height)).levels;
  }

  #to(state, text = "") {
    this.state = state;
    this.place.setAttribute("aria-busy", state === "waiting");
    this.place.classList.toggle("failed", state === "failed");
    this.#part(".state").textContent = text;
    show(this.#part(".problem"), state === "failed" ? this.problem : "");
    this.#part(".acts").replaceChildren(...this.#acts());
    this.film.changed();
  }

  #acts() {
    if (this.state === "waiting") return [];
    const button = (text, whole, act, kind = "") => {
      const made = element("button", { type: "button", class: kind, "aria-label": whole }, text);
      made.addEventListener("click", () => this.#doing(made, act));
      return made;
    };
    const of = `of ${this.choice.label} on ${this.film.name}`;
    if (this.state === "failed") return [button("Try again", `Try again: ${this.choice.label} on ${this.film.name}`, () => this.ask())];
    const name = `${this.film.stem}-${this.stem}`;
    const acts = [button("PNG", `PNG ${of}`, async () => save(await this.png(), `${name}.png`))];
    if (this.hasSegmentation) {
      acts.push(button("DICOM SEG", `DICOM SEG ${of}`, async () => save(await this.segmentation(), `${name}.dcm`), "dicom"));
    }
    return acts;
  }

  async #doing(button, act) {
    button.disabled = true;
    try {
      show(this.#part(".problem"), "");
      await act();
    } catch (error) {
      show(this.#part(".problem"), error.message);
    }
    button.disabled = false;
  }

  /** Shows what the server remarks, and, where it knows, how much the answer is to be doubted. */
  #tell() {
    const { remarks = [], findings = [], foreground: exact } = this.facts;
    const isAltered = this.isMask && Math.abs(foreground(this.counts, CUT) - exact) > 1e-4;
    const told = [...remarks, ...findings.map(({ says }) => says).filter(Boolean), ...known(findings)];
    if (isAltered) told.push(ALTERED);
    const list = this.#part(".remarks");
    list.replaceChildren(...told.map((text) => element("li", {}, text)));
    list.hidden = !told.length;
  }
}

/** Says what is known of how sure an answer is. */
export function known(findings) {
  const { distance, distance_threshold: limit, unlike, expected_dice: dice, disagreement } = Object.fromEntries(findings.map(({ name, value }) => [name, value]));
  const told = [];
  if (Number.isFinite(dice)) told.push(`Dice is expected to be ${figure(dice)}.`);
  if (Number.isFinite(disagreement)) told.push(`Members disagree by ${figure(disagreement)}: 0 is not at all, 1 is wholly.`);
  if (unlike === false) told.push(`The film is like those of training: ${figure(distance)} away, where ${figure(limit)} would be unlike.`);
  return told;
}
