// The interface of the server: every request of the page goes through here, and none goes elsewhere.

const KEPT = "piggygan-token";
const AT_ONCE = 3; // of its 32: others ask, too
const LONGEST_WAIT = 150; // tries, of about two seconds each

let token = sessionStorage.getItem(KEPT) ?? "";
let wantsToken = () => {};
let running = 0;
const waiting = [];

/** What the server could not do, in its own words. */
export class Problem extends Error {
  constructor(kind, detail, status = 0, wait = 0) {
    super(detail);
    Object.assign(this, { kind, status, wait });
  }
}

/** Sends this token from now on; it is gone with the tab. */
export function useToken(value) {
  token = value;
  sessionStorage.setItem(KEPT, value);
}

/** Calls `asked` whenever the server wants a token that it was not given. */
export function onTokenWanted(asked) {
  wantsToken = asked;
}

/** Sends one request.
 * @returns the response, if it is a good one.
 * @throws {Problem} in every other case; an AbortError if `signal` ended it. */
export async function ask(path, { method = "GET", body, accept, signal } = {}) {
  const headers = {};
  if (accept) headers.Accept = accept;
  if (body) headers["Content-Type"] = "application/octet-stream";
  if (token) headers.Authorization = `Bearer ${token}`;
  let response;
  try {
    response = await fetch(path, { method, headers, body, signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (error.name === "NotReadableError") throw new Problem("file", "The file cannot be read: was it moved or changed?");
    throw new Problem("unreachable", "The server does not answer. Does it still run?");
  }
  if (response.ok) return response;
  if (response.status === 401) wantsToken(Boolean(token));
  throw await problemOf(response);
}

/** Sends a request in its turn, and again while the server is busy.
 * @param {(text: string) => void} tell hears what is waited for. */
export async function askInTurn(path, options = {}, tell = () => {}) {
  await turn();
  try {
    for (let tries = 1; ; tries += 1) {
      options.signal?.throwIfAborted();
      tell("working");
      try {
        return await ask(path, options);
      } catch (error) {
        if (error.status !== 429 || tries === LONGEST_WAIT) throw error;
        tell("the server is busy: waiting");
        await pause(1000 * (error.wait || 2), options.signal);
      }
    }
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

/** The facts of an answer's headers: `Piggygan-Input-Sha256` is `input_sha256`. */
export function factsOf(response) {
  const facts = {};
  for (const [name, value] of response.headers) {
    if (!name.startsWith("piggygan-")) continue;
    facts[name.slice(9).replaceAll("-", "_")] = valueOf(value);
  }
  return facts;
}

function valueOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text; // words and digests stand as they are
  }
}

async function problemOf(response) {
  const wait = Number(response.headers.get("Retry-After")) || 0;
  try {
    const problem = await response.json();
    const detail = String(problem.detail || problem.title);
    return new Problem(String(problem.type).split(":").at(-1), sentence(detail), response.status, wait);
  } catch {
    return new Problem("failed", `The server answered with status ${response.status}.`, response.status, wait);
  }
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

async function turn() {
  if (running >= AT_ONCE) await new Promise((go) => waiting.push(go));
  running += 1;
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}
