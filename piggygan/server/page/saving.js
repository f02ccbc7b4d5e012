// Everything in one zip: masks, pictures, segmentations, and what is known of each.

import { CUT, threshold } from "./drawing.js";
import { save, zipOf } from "./packing.js";
import { settings } from "./settings.js";
import { counted, say } from "./words.js";

/** Packs all answers of all films.
 * @param {import("./film.js").Film[]} films
 * @param {object} about what the server says of itself
 * @param {(text: string) => void} tell hears how far it is. */
export async function saveAll(films, about, tell) {
  const files = [];
  const summary = { piggygan: about.piggygan, intended_use: about.intended_use, registry: about.registry, files: [] };
  for (const [at, film] of films.entries()) {
    tell(`Packing ${at + 1} of ${films.length}`);
    if (!film.preview) {
      summary.files.push({ file: film.name, error: film.problem || "not read yet" });
      continue;
    }
    const { rows, columns, format, input_sha256: sha256 } = film.facts;
    const entry = { file: film.name, format, rows, columns, sha256, answers: [] };
    for (const look of film.looks.values()) entry.answers.push(await packed(look, files));
    summary.files.push(entry);
  }
  files.push({ name: "summary.json", content: new TextEncoder().encode(JSON.stringify(summary, null, 2)) });
  save(zipOf(files), "piggygan.zip");
  say(`The zip has ${counted(files.length, "file")}.`);
}

async function packed(look, files) {
  const { task, network, kind } = look.choice;
  const told = { task, network, kind };
  if (look.state !== "done") return { ...told, error: look.problem ?? "not answered yet" };
  const stem = `${look.film.stem}/${look.stem}`;
  const named = { picture: `${stem}.png` };
  files.push({ name: named.picture, content: await bytes(await look.png()) });
  if (look.hasSegmentation) {
    named.segmentation = `${stem}.dcm`;
    files.push({ name: named.segmentation, content: await bytes(await look.segmentation()) });
  }
  const { certificate, members, remarks, findings } = look.facts;
  const cut = look.isMask ? { shown: settings.show === "values" ? "values" : "mask", threshold: threshold(settings.cut), foreground: look.share } : {};
  const own = look.hasSegmentation ? { segmentation_threshold: threshold(CUT) } : {};
  return { ...told, ...named, certificate, members, ...cut, ...own, remarks, findings };
}

const bytes = async (blob) => new Uint8Array(await blob.arrayBuffer());
