// @ts-check
// Links and forms with data-swap are fetched and only what changes is put in:
// data-swap="#thread-pane" names the elements by id; empty means the region
// around, or the whole of main. Without this script they are links and forms.
import { FETCH, mark, settle } from "./page.js";
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
  addEventListener("popstate", (e) => {
    if (Array.isArray(e.state?.swap)) go(location.href, e.state.swap, false);
    else if (e.state?.swapped) location.reload();
  });
}

/** @param {Element} el @returns {string[]} ids */
function targets(el) {
  const named = (el.getAttribute("data-swap") ?? "").split(" ").filter(Boolean).map((s) => s.replace("#", ""));
  if (named.length) return named;
  return [el.closest("[data-live][id]")?.id ?? "main"];
}

let turn = 0;

/**
 * @param {string} href @param {string[]} ids @param {boolean} push
 */
async function go(href, ids, push) {
  const mine = ++turn;
  const shown = ids.map((id) => document.getElementById(id));
  for (const el of shown) el?.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(href, { headers: { [FETCH]: "swap" } });
    const page = await read(answer);
    if (mine !== turn) return; // another link was followed meanwhile
    if (!answer.ok) {
      complain(page, null);
      return;
    }
    if (push) {
      history.replaceState({ swap: ids }, "");
      history.pushState({ swap: ids }, "", answer.url);
    }
    if (page.title) document.title = page.title;
    transition(() => put(page, ids, null));
    document.getElementById(ids[0])?.focus({ preventScroll: true });
  } catch {
    location.assign(href); // the browser explains better what is wrong
  } finally {
    for (const el of shown) el?.removeAttribute("aria-busy");
  }
}

/** @param {HTMLFormElement} form @param {HTMLElement | null} submitter */
async function send(form, submitter) {
  if (form.getAttribute("aria-busy") === "true") return; // a second click is not a second answer
  form.setAttribute("aria-busy", "true");
  form.querySelector("[data-problems]")?.replaceChildren();
  const ids = targets(form);
  const data = new FormData(form, submitter);
  const multipart = form.enctype === "multipart/form-data";
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { [FETCH]: "swap" },
      // @ts-ignore: every field is text where there are no files
      body: multipart ? data : new URLSearchParams(data),
    });
    const page = await read(answer);
    if (!answer.ok) {
      complain(page, form);
      return;
    }
    form.dispatchEvent(new CustomEvent("parley:sent", { bubbles: true }));
    put(page, ids, form);
    say(page);
  } catch {
    const bar = document.getElementById("offline");
    bar?.removeAttribute("hidden"); // live.js takes it away when the connection is back
  } finally {
    form.removeAttribute("aria-busy");
  }
}

/** @param {Response} answer */
async function read(answer) {
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/**
 * Puts the answer's elements in the places of ours.
 * @param {Document} page @param {string[]} ids @param {HTMLFormElement | null} sent  its words are done with
 */
function put(page, ids, sent) {
  if (sent) {
    sent.removeAttribute("data-keep");
    sent.reset();
  }
  for (const id of ids) {
    const fresh = page.getElementById(id);
    const old = document.getElementById(id);
    if (fresh && old) morph(old, fresh);
    settle(document);
    for (const el of document.querySelectorAll(`#${CSS.escape(id)} [data-scroll-end]`)) if (sent) el.scrollTop = el.scrollHeight;
  }
  mark();
  document.dispatchEvent(new CustomEvent("parley:put"));
}

/** Takes over what the next page would have said at its top. @param {Document} page */
function say(page) {
  const fresh = page.getElementById("said");
  const old = document.getElementById("said");
  if (fresh && old) morph(old, fresh);
}

/** Shows the problem beside what it is about. @param {Document} page @param {HTMLFormElement | null} form */
function complain(page, form) {
  const problem = page.querySelector("[data-problem]");
  const place = form?.querySelector("[data-problems]") ?? document.getElementById("said");
  if (!problem || !place) return;
  place.replaceChildren(problem);
  problem.scrollIntoView({ block: "nearest" });
  const field = form?.elements.namedItem(problem.getAttribute("data-problem") || "-");
  if (field instanceof HTMLElement) field.focus();
}

/** @param {() => void} change */
function transition(change) {
  if (document.startViewTransition && !matchMedia("(prefers-reduced-motion: reduce)").matches) document.startViewTransition(change);
  else change();
}
