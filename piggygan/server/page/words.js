// Words and figures as the page says them, and the parts that it builds of them.

/** Makes an element; text goes in as text, so that no name of a file or a task can be markup. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Copies the content of a template. */
export function formed(id) {
  return document.getElementById(id).content.cloneNode(true);
}

/** Says something to those who hear the page. */
export function say(text) {
  const said = document.getElementById("said");
  said.textContent = said.textContent === text ? `${text}\u00a0` : text; // the same words again are a change, too
}

/** Shows a sentence in a place of its own, or hides the place if there is none. */
export function show(place, text) {
  place.textContent = text ?? "";
  place.hidden = !text;
}

export const percent = (share) => `${(100 * share).toFixed(1)}%`;
export const count = (number) => Math.round(number).toLocaleString("en-US");
export const figure = (value) => (Number.isFinite(value) ? Number(value.toPrecision(3)).toString() : "–");
export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

/** Bytes as people read them: powers of ten, as browsers and disks say them. */
export function size(bytes) {
  if (bytes < 1000) return counted(bytes, "byte");
  const kilo = bytes / 1000;
  return kilo < 999.5 ? `${figure(kilo)} kB` : `${figure(kilo / 1000)} MB`;
}

/** Seconds as people read them. */
export function duration(seconds) {
  if (seconds < 90) return `${figure(seconds)} s`;
  const minutes = seconds / 60;
  return minutes < 90 ? `${figure(minutes)} minutes` : `${figure(minutes / 60)} hours`;
}

export function listed(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
