// The page: what it does when it opens, when files come, when tasks are chosen, when the registry changes.

import { offerExamples, watchArrivals } from "./arrivals.js";
import { showCards } from "./cards.js";
import { chosen, offer, onChosen } from "./choices.js";
import { Film } from "./film.js";
import { watchProof } from "./proof.js";
import { saveAll } from "./saving.js";
import { ask, onTokenWanted, useToken } from "./server.js";
import { watchControls } from "./settings.js";
import { counted, say, show, size } from "./words.js";

const LOOK_AGAIN = 30_000; // whether the registry is another one now

const part = (id) => document.getElementById(id);
let films = [];
let about = null;

/** Reads the tasks, and shows them. */
async function readTasks() {
  about = await (await ask("/api/tasks")).json();
  part("title").textContent = `${counted(about.tasks.length, "task")} in one network`;
  document.title = `${part("title").textContent} · piggygan`;
  for (const place of ["use", "use-again"]) part(place).textContent = about.intended_use;
  part("kinds").textContent = `PNG, JPEG, TIFF, WebP or DICOM; ${size(about.limits.bytes)} a file, ${counted(about.limits.files, "file")} at a time.`;
  part("versions").textContent = `piggygan ${about.piggygan}, registry ${about.registry}`;
  showCards(about.tasks);
  offer(about);
}

async function begin() {
  try {
    show(part("trouble"), "");
    await readTasks();
    part("token").hidden = true;
    await offerExamples(come);
  } catch (error) {
    if (error.status !== 401) show(part("trouble"), error.message);
  }
}

/** Takes files in: the newest stand first. */
function come(files) {
  if (!about) return;
  const { limits } = about;
  const fitting = files.filter((file) => file.size <= limits.bytes);
  const taken = fitting.slice(0, Math.max(0, limits.files - films.length));
  const told = [];
  for (const file of files) if (file.size > limits.bytes) told.push(`${file.name} has ${size(file.size)}, and the server takes ${size(limits.bytes)}.`);
  if (taken.length < fitting.length) told.push(`${counted(fitting.length - taken.length, "file")} left out: the page shows ${limits.files} at a time. Remove some, or use piggygan predict.`);
  show(part("left-out"), told.join(" "));
  if (!taken.length) return;
  const fresh = taken.map((file) => new Film(file, forget));
  films = [...fresh, ...films];
  part("answers").hidden = false;
  part("films").prepend(...fresh.map((film) => film.place));
  say(`${counted(fresh.length, "file")} taken.`);
  part("answers").scrollIntoView({ block: "nearest" });
  for (const film of fresh) film.begin();
}

function forget(film) {
  films = films.filter((other) => other !== film);
  part("answers").hidden = !films.length;
}

function watchBar() {
  part("clear").addEventListener("click", () => {
    for (const film of films) film.end();
    say("All files were removed.");
    part("choose").focus();
  });
  const zip = part("zip");
  const words = zip.textContent;
  zip.addEventListener("click", async () => {
    zip.disabled = true;
    try {
      await saveAll(films, about, (text) => (zip.textContent = text));
    } catch (error) {
      show(part("left-out"), `There is no zip: ${error.message}`);
    }
    zip.textContent = words;
    zip.disabled = false;
  });
}

function watchToken() {
  onTokenWanted((wasGiven) => {
    part("token").hidden = false;
    show(part("token-problem"), wasGiven ? "That is not the token." : "");
    part("token-field").focus();
  });
  part("token").querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    useToken(part("token-field").value.trim());
    part("token-field").value = "";
    begin();
  });
}

/** Looks whether the server lives, and whether its registry is the one that is shown. */
async function lookAgain() {
  if (document.hidden || !about) return;
  try {
    const { registry, stale } = await (await ask("/health")).json();
    show(part("trouble"), stale);
    if (!registry || registry === about.registry) return;
    const before = about;
    await readTasks();
    say("The registry has changed: its tasks were read again.");
    const isOther = (task) => before.tasks.some((old) => old.name === task.name && JSON.stringify(old.networks) !== JSON.stringify(task.networks));
    if (about.tasks.some(isOther)) for (const film of films) film.renew(chosen());
  } catch (error) {
    if (error.status !== 401) show(part("trouble"), error.message);
  }
}

watchControls();
watchArrivals(come);
watchBar();
watchProof();
watchToken();
onChosen((choices) => {
  for (const film of films) film.choose(choices);
});
setInterval(lookAgain, LOOK_AGAIN);
document.addEventListener("visibilitychange", lookAgain);
begin();
