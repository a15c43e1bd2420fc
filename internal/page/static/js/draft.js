// @ts-check
// Drafts that follow their writer: what stands in a composer is kept by Parley a
// moment after each change, and again as one leaves. Where another device has
// saved since, its words are offered beside one's own; neither is thrown away.
import { FETCH } from "./page.js";

const pause = 1200; // ms without a key

/** @type {Map<HTMLFormElement, number>} composers with changes that are not kept yet */
const timers = new Map();
/** @type {WeakSet<HTMLFormElement>} composers that are being saved */
const busy = new WeakSet();

export function start() {
  document.addEventListener("input", (e) => later(composer(e.target)));
  document.addEventListener("change", (e) => later(composer(e.target)));
  document.addEventListener("click", (e) => {
    const button = e.target instanceof Element && e.target.closest("[data-draft-swap]");
    const form = button && composer(button);
    if (form) swap(form);
  });
  document.addEventListener("parley:sent", (e) => e.target instanceof HTMLFormElement && forget(e.target), true);
  addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", () => document.hidden && flush());
}

/** @param {EventTarget | null} at @returns {HTMLFormElement | null} */
const composer = (at) => (at instanceof Element ? at.closest("form[data-draft]") : null);

/** @param {HTMLFormElement} form @returns {HTMLTextAreaElement} */
const field = (form) => /** @type {HTMLTextAreaElement} */ (form.querySelector("[data-body]"));

/** @param {HTMLFormElement | null} form @param {number} [wait] */
function later(form, wait = pause) {
  if (!form) return;
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(() => save(form), wait));
}

function flush() {
  for (const form of timers.keys()) save(form, true);
}

/** What was sent is no draft any more. @param {HTMLFormElement} form */
function forget(form) {
  clearTimeout(timers.get(form));
  timers.delete(form);
  form.dataset.version = "0";
  offer(form, null);
}

/** @param {HTMLFormElement} form @param {boolean} [leaving] */
async function save(form, leaving = false) {
  if (busy.has(form) && !leaving) return later(form);
  if (form.getAttribute("aria-busy") === "true") return; // it is being sent
  clearTimeout(timers.get(form));
  timers.delete(form);
  const data = new URLSearchParams({ version: form.dataset.version ?? "0" });
  for (const [name, value] of new FormData(form)) if (["member", "body", "warning", "visibility"].includes(name)) data.append(name, String(value));
  busy.add(form);
  try {
    const answer = await fetch(form.dataset.draft ?? "", { method: "POST", body: data, headers: { [FETCH]: "draft" }, keepalive: leaving });
    if (answer.ok || answer.status === 409) kept(form, await answer.json(), answer.status === 409);
  } catch {
    later(form, 10000); // this browser has the words too
  } finally {
    busy.delete(form);
  }
}

/** @param {HTMLFormElement} form @param {{version: string, body: string, warning: string}} theirs @param {boolean} elsewhere */
function kept(form, theirs, elsewhere) {
  form.dataset.version = theirs.version;
  form.dispatchEvent(new CustomEvent("parley:kept"));
  if (!elsewhere) return;
  if (theirs.body !== field(form).value) offer(form, theirs.body);
  else later(form, 0);
}

/** Says that there are other words, or no longer. @param {HTMLFormElement} form @param {string | null} words */
export function offer(form, words) {
  const line = form.querySelector("[data-draft-other]");
  if (!(line instanceof HTMLElement)) return;
  line.hidden = !words;
  line.dataset.words = words ?? "";
}

/** Shows the other words, and offers those that stood there. @param {HTMLFormElement} form */
function swap(form) {
  const line = form.querySelector("[data-draft-other]");
  if (!(line instanceof HTMLElement)) return;
  const mine = field(form).value;
  field(form).value = line.dataset.words ?? "";
  offer(form, mine);
  field(form).dispatchEvent(new Event("input", { bubbles: true }));
  field(form).focus();
}
