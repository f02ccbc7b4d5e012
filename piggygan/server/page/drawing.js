// A mask's levels, and what is seen of them: a level of 128 or more is foreground, as in the mask that is predicted.

export const CUT = 128;
const ORANGE = [230, 159, 0]; // of `piggygan predict`'s overlays, too: everybody can tell it from grey

/** A threshold as people say it: 0.50 is the task's own. */
export const threshold = (cut) => (cut / 256).toFixed(2);

/** Counts the pixels of each level. */
export function histogram(levels) {
  const counts = new Uint32Array(256);
  for (const level of levels) counts[level] += 1;
  return counts;
}

/** The share of pixels that are foreground at a cut. */
export function foreground(counts, cut) {
  let [above, all] = [0, 0];
  counts.forEach((pixels, level) => {
    all += pixels;
    if (level >= cut) above += pixels;
  });
  return above / all;
}

/** Cuts levels into a mask of 0 and 255. */
export function cutAt(levels, cut) {
  return levels.map((level) => (level >= cut ? 255 : 0));
}

/** Paints levels as they are shown.
 * @param {{show: "over"|"mask"|"values", tint: number, cut: number}} way `tint` is the strength, 0 to 1, of what is laid over a film.
 * @returns {ImageData} opaque, but for "over", which is laid over the film. */
export function painted(levels, width, height, way) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  if (way.show === "over") layOver(pixels, levels, width, height, way);
  else levels.forEach((level, at) => (pixels[at] = grey(way.show === "mask" ? (level >= way.cut ? 255 : 0) : level)));
  return image;
}

function layOver(pixels, levels, width, height, { tint, cut }) {
  const [line, fill] = [colour(255), colour(Math.round(255 * tint))];
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 1) {
      if (levels[at] < cut) continue;
      // Beyond the border a mask goes on, so that no line is drawn along it.
      const isInside =
        (x === 0 || levels[at - 1] >= cut) && (x === width - 1 || levels[at + 1] >= cut) &&
        (y === 0 || levels[at - width] >= cut) && (y === height - 1 || levels[at + width] >= cut);
      pixels[at] = isInside ? fill : line;
    }
  }
}

const BYTES = new Uint8Array(4);
const WORD = new Uint32Array(BYTES.buffer); // in this machine's order of bytes

function colour(alpha) {
  BYTES.set([...ORANGE, alpha]);
  return WORD[0];
}

function grey(level) {
  BYTES.set([level, level, level, 255]);
  return WORD[0];
}

/** Decodes a grey PNG's levels, every pixel of it, and a smaller copy to look at.
 * @returns {{levels: Uint8Array, width: number, height: number}} */
export async function levelsOf(blob, width, height) {
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none" });
  const [wide, high] = [width ?? bitmap.width, height ?? bitmap.height];
  const context = surface(wide, high).getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, wide, high);
  bitmap.close();
  const { data } = context.getImageData(0, 0, wide, high);
  const levels = new Uint8Array(wide * high);
  for (let at = 0; at < levels.length; at += 1) levels[at] = data[4 * at];
  return { levels, width: wide, height: high };
}

export function surface(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}
