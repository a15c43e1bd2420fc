// @ts-check
// Keeps regions of a page fresh. One tab holds the event stream for all tabs of
// this browser, because HTTP/1.1 allows six connections to a site; it is the one
// that holds the lock. The others hear of events through a BroadcastChannel.
// Where there are no locks (plain http on a local network) each tab has its own.
import { arrived, FETCH, toEnd } from "./page.js";
import { morph } from "./morph.js";

/**
 * @typedef {{w: string, n: number, k: string, s?: string}} Notice
 * @typedef {{type: "notice", notice: Notice} | {type: "hello", heads: Record<string, number>}
 *   | {type: "lost"} | {type: "out"} | {type: "ask"}} Word
 */

const least = 250; // ms between two fetches of a region
const longest = 30000; // between two that fail
const quiet = 60000; // after which "waits 3 minutes" is no longer true
const channel = "BroadcastChannel" in self ? new BroadcastChannel("parley-live") : null;

/** @type {Record<string, number>} newest event this tab knows, by workspace */
const seen = {};
/** @type {Record<string, number> | null} what the leader last heard; null: not leading or not connected */
let heads = null;
let lost = false;

export function start() {
  const { liveUrl, workspace, head } = document.body.dataset;
  if (!liveUrl) return;
  if (workspace) seen[workspace] = Number(head);
  channel?.addEventListener("message", (e) => hear(e.data));
  if (navigator.locks && channel) {
    navigator.locks.request("parley-live", () => lead(liveUrl));
    channel.postMessage({ type: "ask" });
  } else {
    lead(liveUrl);
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) refreshStale();
  });
  addEventListener("pageshow", (e) => e.persisted && refreshAll());
  setInterval(refreshAll, quiet);
}

/** Something of ours was not answered: says so until the stream's leader hears from Parley. */
export function doubt() {
  show(true);
  setTimeout(() => (heads ? hear({ type: "hello", heads }) : channel?.postMessage({ type: "ask" })), 3000);
}

/** Tells the other tabs and this one. @param {Word} word */
function say(word) {
  channel?.postMessage(word);
  hear(word);
}

/** @param {Word} word */
function hear(word) {
  switch (word.type) {
    case "notice":
      seen[word.notice.w] = Math.max(seen[word.notice.w] ?? 0, word.notice.n);
      for (const region of regions()) if (concerns(region, word.notice)) refresh(region);
      break;
    case "hello":
      for (const turn of turns.values()) turn.due = 0; // what failed need not wait any longer
      if (lost || missed(word.heads)) refreshAll();
      else refreshStale();
      Object.assign(seen, word.heads);
      show(false);
      break;
    case "lost":
      show(true);
      break;
    case "out":
      show(true, "out");
      break;
    case "ask":
      if (heads) channel?.postMessage({ type: "hello", heads });
  }
}

/** @param {Record<string, number>} now */
function missed(now) {
  return Object.keys(now).some((w) => w in seen && seen[w] !== now[w]);
}

/**
 * Shows or hides the bar that says the connection is lost.
 * @param {boolean} away @param {string} [why]
 */
function show(away, why = "lost") {
  lost = away;
  const bar = document.getElementById("offline");
  if (!bar) return;
  for (const line of bar.querySelectorAll("[data-offline]")) line.toggleAttribute("hidden", line.getAttribute("data-offline") !== why);
  bar.toggleAttribute("hidden", !away);
}

/** Holds the stream until signed out. @param {string} url */
async function lead(url) {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 30000)) {
    const opened = await stream(url);
    if (opened) wait = 1000;
    if (await signedOut(url)) {
      say({ type: "out" });
      return;
    }
    await new Promise((done) => setTimeout(done, wait * (0.5 + Math.random())));
  }
}

/**
 * One EventSource, until it gives up for good. It reconnects by itself after a
 * lost connection, not after an answer that is no stream (a proxy's 502).
 * @param {string} url @returns {Promise<boolean>} whether it ever opened
 */
function stream(url) {
  return new Promise((done) => {
    let opened = false;
    const source = new EventSource(url);
    const grace = () => setTimeout(() => !heads && say({ type: "lost" }), 3000);
    source.addEventListener("hello", (e) => {
      opened = true;
      heads = JSON.parse(e.data);
      say({ type: "hello", heads: heads ?? {} });
    });
    source.addEventListener("message", (e) => {
      /** @type {Notice} */
      const notice = JSON.parse(e.data);
      if (heads) heads[notice.w] = notice.n;
      say({ type: "notice", notice });
    });
    source.addEventListener("error", () => {
      heads = null;
      grace();
      if (source.readyState === EventSource.CLOSED) done(opened);
    });
  });
}

/** @param {string} url */
async function signedOut(url) {
  try {
    const answer = await fetch(url, { method: "HEAD", headers: { [FETCH]: "live" } });
    return answer.status === 401;
  } catch {
    return false; // not reachable says nothing about the session
  }
}

/** @returns {HTMLElement[]} */
function regions() {
  return [...document.querySelectorAll("[data-live][data-src][id]")].filter((e) => e instanceof HTMLElement);
}

/** @param {HTMLElement} region @param {Notice} notice */
function concerns(region, notice) {
  if (region.dataset.liveWorkspace !== "*" && notice.w !== document.body.dataset.workspace) return false;
  const kinds = (region.dataset.live ?? "").split(" ");
  return kinds.includes(notice.k) || kinds.includes(`${notice.k}:${notice.s}`);
}

/**
 * When a region may be fetched again, and whether it should be.
 * @typedef {{due: number, pause: number, stale: boolean, busy: boolean, timer: number}} Turn
 */
/** @type {Map<string, Turn>} */
const turns = new Map();

/** @param {string} id */
function turnOf(id) {
  const turn = turns.get(id) ?? { due: 0, pause: least, stale: false, busy: false, timer: 0 };
  turns.set(id, turn);
  return turn;
}

export function refreshAll() {
  for (const region of regions()) refresh(region);
}

function refreshStale() {
  for (const region of regions()) if (turnOf(region.id).stale) refresh(region);
}

/**
 * Fetches a region again, at most four times a second however many events come,
 * ever more seldom while that fails, never twice at once, and not while nobody
 * looks.
 * @param {HTMLElement} region
 */
export function refresh({ id }) {
  const turn = turnOf(id);
  turn.stale = true;
  if (document.hidden || turn.busy) return;
  clearTimeout(turn.timer);
  turn.timer = setTimeout(() => take(id, turn), Math.max(0, turn.due - performance.now()));
}

/** @param {string} id @param {Turn} turn */
async function take(id, turn) {
  turn.stale = false;
  turn.busy = true;
  const begun = performance.now();
  const fine = await fetchRegion(id);
  turn.busy = false;
  turn.pause = fine ? least : Math.min(longest, Math.max(1000, turn.pause * 2));
  // Browsers that lost the same server do not all come back in the same moment.
  turn.due = begun + turn.pause * (fine ? 1 : 0.5 + Math.random());
  const region = document.getElementById(id);
  if (region && (turn.stale || !fine)) refresh(region);
}

/** @param {string} id @returns {Promise<boolean>} false: to be tried again */
async function fetchRegion(id) {
  const src = document.getElementById(id)?.dataset.src;
  if (!src) return true;
  try {
    const answer = await fetch(src, { headers: { [FETCH]: "live" } });
    if (!answer.ok) return answer.status < 500; // gone or signed out: what is shown stays until the person does something
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
    const region = document.getElementById(id);
    if (!fresh || !region || region.dataset.src !== src) return true; // something else was opened meanwhile
    await composed(region);
    apply(region, fresh);
    return true;
  } catch {
    return false;
  }
}

/** @param {HTMLElement} region @param {Element} fresh */
function apply(region, fresh) {
  const scrolls = [...region.querySelectorAll("[data-scroll-end]")].filter((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 48);
  morph(region, fresh);
  for (const el of scrolls) toEnd(el);
  arrived(region);
}

let composing = false;
addEventListener("compositionstart", () => (composing = true), true);
addEventListener("compositionend", () => (composing = false), true);

/**
 * Waits while an input method composes a word inside the region, unless in an
 * element that morph leaves alone anyway.
 * @param {HTMLElement} region
 */
async function composed(region) {
  const at = document.activeElement;
  if (!composing || !at || !region.contains(at) || at.closest("[data-keep]")) return;
  await new Promise((done) => addEventListener("compositionend", done, { once: true }));
}
