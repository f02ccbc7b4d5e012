// Files that the page writes itself: grey PNGs of masks, and a zip of everything.

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The checksum of PNG and zip. */
export function crc32(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ CRC[(value ^ byte) & 255];
  return (value ^ 0xffffffff) >>> 0;
}

/** Writes levels as an 8-bit grey PNG (ISO 15948).
 * @returns {Promise<Blob>} */
export async function greyPng(levels, width, height) {
  const rows = new Uint8Array(height * (width + 1)); // a row begins with the number of its filter: 0, none
  for (let row = 0; row < height; row += 1) {
    rows.set(levels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  const stream = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head[8] = 8; // bits; grey, and no interlacing, are 0
  const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
  const parts = [signature, chunk("IHDR", head), chunk("IDAT", packed), chunk("IEND", new Uint8Array())];
  return new Blob(parts, { type: "image/png" });
}

function chunk(kind, content) {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(kind), 4);
  bytes.set(content, 8);
  view.setUint32(content.length + 8, crc32(bytes.subarray(4, content.length + 8)));
  return bytes;
}

/** Puts files into a zip, as they are: pictures do not get smaller.
 * @param {{name: string, content: Uint8Array}[]} files
 * @returns {Blob} */
export function zipOf(files, when = new Date()) {
  const [locals, entries] = [[], []];
  let offset = 0;
  for (const { name, content } of files) {
    const written = new TextEncoder().encode(name);
    const shared = sharedFields(content, written.length, when);
    const local = little([4, 0x04034b50], ...shared);
    locals.push(local, written, content);
    entries.push(little([4, 0x02014b50], [2, 20], ...shared, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]), written);
    offset += local.length + written.length + content.length;
  }
  const length = entries.reduce((sum, part) => sum + part.length, 0);
  const many = files.length;
  const end = little([4, 0x06054b50], [2, 0], [2, 0], [2, many], [2, many], [4, length], [4, offset], [2, 0]);
  return new Blob([...locals, ...entries, end], { type: "application/zip" });
}

/** What a file's own header and its entry in the list have in common (PKWARE's APPNOTE, 4.3.7). */
function sharedFields(content, length, when) {
  const time = (when.getHours() << 11) | (when.getMinutes() << 5) | (when.getSeconds() >> 1);
  const date = ((when.getFullYear() - 1980) << 9) | ((when.getMonth() + 1) << 5) | when.getDate();
  const size = content.length;
  return [[2, 20], [2, 0x0800], [2, 0], [2, time], [2, date], [4, crc32(content)], [4, size], [4, size], [2, length], [2, 0]];
}

function little(...fields) {
  const bytes = new Uint8Array(fields.reduce((sum, [length]) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [length, value] of fields) {
    if (length === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += length;
  }
  return bytes;
}

/** Makes a name for a file of somebody's: no folder, no sign that a system forbids, never the same twice.
 * @param {Set<string>} taken gets the name. */
export function unusedStem(name, taken) {
  const last = name.split(/[/\\]/).at(-1);
  const dot = last.lastIndexOf(".");
  const stem = (dot > 0 ? last.slice(0, dot) : last).replace(/[^\p{L}\p{N} @._-]/gu, "_").replace(/^[. ]+|[. ]+$/g, "").slice(0, 80);
  const base = stem || "file";
  let unused = base;
  for (let number = 2; taken.has(unused.toLowerCase()); number += 1) unused = `${base}-${number}`;
  taken.add(unused.toLowerCase());
  return unused;
}

/** Hands a file to the browser to save. */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
