// How files come to the page: dropped, with folders, chosen, pasted, or drawn by the server for those who have none.

import { ask } from "./server.js";
import { element } from "./words.js";

const drop = document.getElementById("drop");

/** Calls `come` with the files of every arrival.
 * @param {(files: File[]) => void} come */
export function watchArrivals(come) {
  const [input, button] = [document.getElementById("files"), document.getElementById("choose")];
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    come([...input.files]);
    input.value = ""; // the same file may be chosen again
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    if (clipboardData.files.length) come([...clipboardData.files]);
  });
  let depth = 0; // of elements that what is dragged has entered and not left
  const turn = (by) => {
    depth = Math.max(0, depth + by);
    drop.classList.toggle("over", depth > 0);
  };
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => hasFiles(event) && turn(1));
  document.addEventListener("dragleave", (event) => hasFiles(event) && turn(-1));
  document.addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
  document.addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    turn(0);
    come(await filesIn(event.dataTransfer));
  });
}

/** Gives the files that were dropped, and those in the folders. */
async function filesIn(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()); // before anything is awaited: then they are gone
  const loose = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return loose;
  const found = [];
  for (const entry of entries.filter(Boolean)) await gather(entry, found);
  return found;
}

async function gather(entry, found) {
  if (entry.isFile) {
    found.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at most
    if (!some.length) return;
    for (const inner of some) if (!inner.name.startsWith(".")) await gather(inner, found);
  }
}

/** Shows the server's examples, to click on. */
export async function offerExamples(come) {
  const { examples } = await (await ask("/api/examples")).json();
  const place = document.getElementById("examples");
  const items = examples.map(({ name, of }) => {
    const picture = element("img", { alt: "", width: 96, height: 96 });
    const button = element("button", { type: "button", "aria-label": `Example: ${of}, ${name}` }, picture, element("span", {}, name));
    button.disabled = true;
    return { button, picture };
  });
  place.querySelector("ul").replaceChildren(...items.map(({ button }) => element("li", {}, button)));
  place.hidden = !items.length;
  for (const [at, { name, url }] of examples.entries()) { // one after the other: what a visitor sends comes first
    const blob = await (await ask(url)).blob();
    const { button, picture } = items[at];
    picture.src = URL.createObjectURL(blob);
    button.disabled = false;
    button.addEventListener("click", () => come([new File([blob], `${name}.png`, { type: blob.type })]));
  }
}
