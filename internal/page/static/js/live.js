// @ts-check
// Keeps regions of a page fresh. One tab holds the event stream for all tabs of
// this browser, because HTTP/1.1 allows six connections to a site; it is the one
// that holds the lock. The others hear of events through a BroadcastChannel.
// Where there are no locks (plain http on a local network) each tab has its own.
import { FETCH, mark, settle, toEnd } from "./page.js";
import { morph } from "./morph.js";

/**
 * @typedef {{w: string, n: number, k: string, s?: string}} Notice
 * @typedef {{type: "notice", notice: Notice} | {type: "hello", heads: Record<string, number>}
 *   | {type: "lost"} | {type: "out"} | {type: "ask"}} Word
 */

const perSecond = 4;
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
    if (!document.hidden) for (const region of regions()) if (stale.has(region.id)) refresh(region);
  });
  addEventListener("pageshow", (e) => e.persisted && refreshAll());
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
      if (lost || missed(word.heads)) refreshAll();
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

/** Regions that wait for their turn, for the answer, or for the tab to be seen. */
const stale = new Set();
/** @type {Map<string, number>} when a region was last asked for */
const asked = new Map();
const busy = new Set();

export function refreshAll() {
  for (const region of regions()) refresh(region);
}

/**
 * Fetches a region again, at most perSecond times a second however many events
 * come, never twice at once, and not while nobody looks.
 * @param {HTMLElement} region
 */
export function refresh(region) {
  const { id } = region;
  if (document.hidden || busy.has(id)) {
    stale.add(id);
    return;
  }
  busy.add(id);
  stale.delete(id);
  const wait = Math.max(0, (asked.get(id) ?? 0) + 1000 / perSecond - performance.now());
  setTimeout(async () => {
    asked.set(id, performance.now());
    stale.delete(id);
    await fetchRegion(id);
    busy.delete(id);
    const again = document.getElementById(id);
    if (stale.has(id) && again) refresh(again);
  }, wait);
}

/** @param {string} id */
async function fetchRegion(id) {
  const src = document.getElementById(id)?.dataset.src;
  if (!src) return;
  try {
    const answer = await fetch(src, { headers: { [FETCH]: "live" } });
    if (!answer.ok) return; // gone or signed out: what is shown stays until the person does something
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
    const region = document.getElementById(id);
    if (!fresh || !region || region.dataset.src !== src) return; // something else was opened meanwhile
    await composed(region);
    apply(region, fresh);
  } catch {
    stale.add(id); // fetched again with the next event or when the stream is back
  }
}

/** @param {HTMLElement} region @param {Element} fresh */
function apply(region, fresh) {
  const scrolls = [...region.querySelectorAll("[data-scroll-end]")].filter((e) => e.scrollHeight - e.scrollTop - e.clientHeight < 48);
  morph(region, fresh);
  for (const el of scrolls) toEnd(el);
  settle(region);
  mark();
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
