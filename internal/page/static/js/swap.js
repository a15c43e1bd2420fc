// @ts-check
// Links and forms with data-swap are fetched and only what changes is put in:
// data-swap="#thread-pane" names the elements by id; empty means the region
// around, or the whole of main. Without this script they are links and forms.
import { arrived, closeAll, FETCH, mark, toEnd } from "./page.js";
import { doubt } from "./live.js";
import { morph } from "./morph.js";

export function start() {
  document.addEventListener("click", (e) => {
    const link = e.target instanceof Element ? e.target.closest("a[data-swap]") : null;
    if (!(link instanceof HTMLAnchorElement) || e.button || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey || e.defaultPrevented) return;
    if (link.origin !== location.origin || link.target) return;
    e.preventDefault();
    go(link.href, targets(link), true);
  });
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (!(form instanceof HTMLFormElement) || !form.hasAttribute("data-swap") || e.defaultPrevented) return;
    e.preventDefault();
    send(form, e.submitter);
  });
  addEventListener("popstate", (e) => Array.isArray(e.state?.swap) && go(location.href, e.state.swap, false));
}

/** @param {Element} el @returns {string[]} ids */
function targets(el) {
  const named = (el.getAttribute("data-swap") ?? "").split(" ").filter(Boolean).map((s) => s.replace("#", ""));
  if (named.length) return named;
  return [el.closest("[data-live][id]")?.id ?? "main"];
}

let turn = 0;
let shown = location.href; // what the page shows: after Back the browser's address is ahead of it

/**
 * @param {string} href @param {string[]} ids @param {boolean} push
 */
async function go(href, ids, push) {
  const mine = ++turn;
  const focused = document.activeElement;
  closeAll();
  leave(ids);
  mark(new URL(href).pathname);
  const { page, problem, url } = await ask(href, ids);
  if (mine !== turn) return; // another link was followed meanwhile
  if (page && !problem) {
    const left = new URL(shown).pathname;
    note(url, ids, push);
    await transition(() => put(page, ids, true));
    if (mine !== turn) return;
    if (page.title) document.title = page.title;
    say(page);
    if (focused === document.activeElement || document.activeElement === document.body) land(ids[0], left);
  } else {
    if (!push) history.replaceState({ swap: ids }, "", shown);
    complain(problem, null);
  }
  stay();
}

/** @param {string} url @param {string[]} ids @param {boolean} push */
function note(url, ids, push) {
  if (push) {
    history.replaceState({ swap: ids }, "");
    history.pushState({ swap: ids }, "", url);
  }
  shown = location.href;
}

/** What is being left takes no further words and no keys. @param {string[]} ids */
function leave(ids) {
  for (const id of ids) {
    const el = document.getElementById(id);
    el?.setAttribute("aria-busy", "true");
    el?.setAttribute("inert", "");
  }
}

function stay() {
  for (const el of document.querySelectorAll("[inert][aria-busy]")) {
    el.removeAttribute("inert");
    el.removeAttribute("aria-busy");
  }
  mark(location.pathname);
}

/** Puts the focus where one reads on; back in the list, where one was. @param {string} id @param {string} left */
function land(id, left) {
  const pane = document.getElementById(id);
  const rows = [...document.querySelectorAll("a[data-row]")];
  const row = pane?.hasAttribute("data-open") ? null : rows.find((r) => r instanceof HTMLAnchorElement && r.pathname === left);
  const place = row ?? pane?.querySelector("[data-scroll-end]") ?? pane;
  if (place instanceof HTMLElement) place.focus({ preventScroll: !row });
}

// For so long a button that has just become another one is not meant.
const doubleClick = 600;
/** @type {WeakMap<Element, number>} when a form changed a region */
const changed = new WeakMap();

/** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
async function send(form, submitter) {
  if (form.getAttribute("aria-busy") === "true") return; // a second click is not a second answer
  const ids = targets(form);
  const region = document.getElementById(ids[0]);
  const since = performance.now() - ((region && changed.get(region)) ?? -doubleClick);
  if (since < doubleClick && !form.querySelector("textarea")) return; // nobody writes by a double click
  form.setAttribute("aria-busy", "true");
  form.querySelector("[data-problems]")?.replaceChildren();
  form.querySelector("[data-unanswered]")?.setAttribute("hidden", "");
  const data = new FormData(form, submitter);
  // @ts-ignore: every field is text where there are no files
  const body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
  const { page, problem, url } = await ask(form.action, ids, { method: "POST", body });
  form.removeAttribute("aria-busy");
  if (!page || problem) {
    refused(form, ids, page, problem);
    return;
  }
  form.dispatchEvent(new CustomEvent("parley:sent", { detail: data }));
  const next = page.getElementById(ids[0]);
  const leaving = !!next && !!region && next.dataset.src !== region.dataset.src && new URL(url).pathname !== location.pathname;
  if (leaving) note(url, ids, true); // done here: it goes on with the next one
  if (region) changed.set(leaving && next ? next : region, performance.now());
  put(page, ids, leaving);
  if (leaving && page.title) document.title = page.title;
  for (const id of ids) for (const el of document.querySelectorAll(`#${CSS.escape(id)} [data-scroll-end]`)) toEnd(el);
  say(page);
}

/** @param {HTMLFormElement} form @param {string[]} ids @param {Document | null} page @param {Element | null} problem */
function refused(form, ids, page, problem) {
  // Whoever is told that somebody was first has seen it: sending again is meant.
  const now = page?.querySelector(`#${CSS.escape(form.id || "-")} [name=seen]`);
  const seen = form.elements.namedItem("seen");
  if (now instanceof HTMLInputElement && seen instanceof HTMLInputElement) seen.value = now.value;
  if (page) put(page, ids, false);
  complain(problem, form);
}

/**
 * @typedef {{page: Document | null, problem: Element | null, url: string}} Answer
 *   page is null where nobody answered, or somebody else: a proxy, a portal
 */

/**
 * @param {string} href @param {string[]} ids @param {RequestInit} [init]
 * @returns {Promise<Answer>}
 */
async function ask(href, ids, init) {
  try {
    const answer = await fetch(href, { headers: { [FETCH]: "swap" }, ...init });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const problem = answer.ok ? null : page.querySelector("[data-problem]");
    const ours = problem || (answer.ok && ids.some((id) => page.getElementById(id)));
    return { page: ours ? page : null, problem, url: answer.url };
  } catch {
    return { page: null, problem: null, url: href };
  }
}

/**
 * Puts the answer's elements in the places of ours. What shows the same thing
 * becomes like the new one; another thing takes its place as a whole, so that
 * neither words nor dialogs come over from one person to the next.
 * @param {Document} page @param {string[]} ids @param {boolean} leaving  for another thing
 */
function put(page, ids, leaving) {
  for (const id of ids) {
    const fresh = page.getElementById(id);
    const old = document.getElementById(id);
    if (!fresh || !old) continue;
    if (old.dataset.src === fresh.dataset.src) morph(old, fresh);
    else if (leaving) old.replaceWith(fresh);
  }
  arrived(document);
}

/** Takes over what the next page would have said at its top. @param {Document} page */
function say(page) {
  const fresh = page.getElementById("said");
  const old = document.getElementById("said");
  if (fresh && old) morph(old, fresh);
}

/** Shows the problem beside what it is about. @param {Element | null} problem  null: no answer at all @param {HTMLFormElement | null} form */
function complain(problem, form) {
  const unanswered = form?.querySelector("[data-unanswered]");
  if (!problem && unanswered) unanswered.removeAttribute("hidden");
  else if (!problem) doubt();
  if (!problem) return;
  (form?.querySelector("[data-problems]") ?? document.getElementById("said"))?.replaceChildren(problem);
  problem.scrollIntoView({ block: "nearest" });
  const field = form?.elements.namedItem(problem.getAttribute("data-problem") || "-");
  if (field instanceof HTMLElement) field.focus();
}

/** @param {() => void} change */
async function transition(change) {
  if (document.startViewTransition && !matchMedia("(prefers-reduced-motion: reduce)").matches) await document.startViewTransition(change).updateCallbackDone;
  else change();
}
