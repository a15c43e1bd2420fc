// @ts-check
// The search looks while one types: results take each other's place, and what was
// asked before is no longer waited for. Without this script it is a form.
import { announce, arrived, FETCH } from "./page.js";
import { morph } from "./morph.js";

const pause = 150; // ms without a key

/** @type {AbortController | null} */
let asked = null;
let timer = 0;

export function start() {
  document.addEventListener("input", (e) => {
    const form = e.target instanceof HTMLInputElement ? e.target.closest("form[data-search]") : null;
    if (!(form instanceof HTMLFormElement) || (e instanceof InputEvent && e.isComposing)) return;
    clearTimeout(timer);
    timer = setTimeout(() => look(form), pause);
  });
  document.addEventListener("compositionend", (e) => {
    if (e.target instanceof HTMLInputElement && e.target.closest("form[data-search]")) e.target.dispatchEvent(new Event("input", { bubbles: true }));
  });
  document.addEventListener("submit", (e) => {
    const form = e.target;
    if (!(form instanceof HTMLFormElement) || !form.dataset.search) return;
    e.preventDefault();
    clearTimeout(timer);
    look(form);
  });
  document.addEventListener("keydown", walk);
}

/** @param {HTMLFormElement} form */
async function look(form) {
  asked?.abort();
  const mine = (asked = new AbortController());
  const address = new URL(form.action);
  const q = new FormData(form).get("q");
  if (q) address.searchParams.set("q", String(q));
  const part = new URL(address);
  part.searchParams.set("fragment", "found");
  form.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(part, { headers: { [FETCH]: "search" }, signal: mine.signal });
    if (!answer.ok) throw new Error(answer.statusText);
    const id = form.dataset.search ?? "";
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
    const old = document.getElementById(id);
    if (mine !== asked || !fresh || !old) return;
    morph(old, fresh);
    arrived(old);
    history.replaceState(history.state, "", address);
    announce(old.querySelector("[data-found]") ? "" : (old.querySelector("h2, .callout-what")?.textContent ?? ""));
  } catch {
    // Another question was asked meanwhile; or nobody answered: then the whole page
    // says what is wrong.
    if (mine === asked && !mine.signal.aborted) location.href = address.href;
  } finally {
    if (mine === asked) form.removeAttribute("aria-busy");
  }
}

/** Arrows lead from the field through what was found and back. @param {KeyboardEvent} e */
function walk(e) {
  if ((e.key !== "ArrowDown" && e.key !== "ArrowUp") || e.defaultPrevented || e.isComposing || !(e.target instanceof HTMLElement)) return;
  const field = document.querySelector("form[data-search] input[type=search]");
  if (!(field instanceof HTMLElement) || !(e.target === field || e.target.matches("[data-found]"))) return;
  const stops = [field, ...document.querySelectorAll("a[data-found][href]")];
  const next = stops[stops.indexOf(e.target) + (e.key === "ArrowDown" ? 1 : -1)];
  if (!(next instanceof HTMLElement)) return;
  e.preventDefault();
  next.focus();
}
