// @ts-check
// The composer: counts while one writes, grows with the text, says who will read
// it, keeps a draft in this browser until it is sent. Go counts again before
// anything leaves.
import { announce } from "./page.js";
import { count } from "./count.js";
import { files } from "./media.js";
import { offer } from "./draft.js";

/** @type {WeakSet<HTMLFormElement>} forms that have their listeners */
const known = new WeakSet();

export function start() {
  begin();
  document.addEventListener("parley:put", begin);
  addEventListener("pagehide", flush);
  document.addEventListener("visibilitychange", flush);
  // A press must not take the focus out of the composer: without it the tools
  // are put away, and what was pressed moves away before the click reaches it.
  document.addEventListener("mousedown", (e) => {
    if (e.target instanceof Element && e.target.closest("[data-composer] .file, #thread-pane :is(.button, summary)")) e.preventDefault();
  });
}

/** Sets up composers that are new on the page, and brings those that changed up to date. */
function begin() {
  flush();
  for (const form of document.querySelectorAll("form[data-composer]")) {
    if (!(form instanceof HTMLFormElement)) continue;
    if (!known.has(form)) setUp(form);
    else returned(form);
    changed(form);
  }
}

/** @param {HTMLFormElement} form */
function setUp(form) {
  known.add(form);
  recall(form);
  field(form).setSelectionRange(field(form).value.length, field(form).value.length); // one goes on where one stopped
  files(form);
  form.addEventListener("input", () => {
    changed(form);
    later(form);
  });
  form.addEventListener("change", (e) => {
    changed(form);
    const audience = form.querySelector("[data-renew=audience]");
    if (e.target instanceof HTMLSelectElement && audience instanceof HTMLElement) announce(audience.innerText);
  });
  form.addEventListener("reset", () => setTimeout(() => changed(form)));
  form.addEventListener("keydown", (e) => {
    // The form sends nothing by itself on Enter; what follows a line is the answer.
    if (e.key !== "Enter" || e.isComposing || e.ctrlKey || e.metaKey || !(e.target instanceof HTMLInputElement) || e.target.type !== "text") return;
    e.preventDefault();
    field(form).focus();
  });
  shows.set(form, form.dataset.version ?? "");
  form.addEventListener("parley:kept", () => {
    shows.set(form, form.dataset.version ?? "");
    keep(form);
  });
  form.addEventListener("parley:sent", (e) => e instanceof CustomEvent && done(form, e.detail));
}

/** @type {WeakMap<HTMLFormElement, string>} the version of the draft that each shows */
const shows = new WeakMap();

/** Words that came back from the server, because they were called back, are written on. @param {HTMLFormElement} form */
function returned(form) {
  const version = form.dataset.version ?? "";
  const body = field(form);
  if (shows.has(form) && shows.get(form) !== version && body.value === "" && body.defaultValue.trim() !== "") body.value = body.defaultValue;
  shows.set(form, version);
}

/** @param {HTMLFormElement} form @returns {HTMLTextAreaElement} */
const field = (form) => /** @type {HTMLTextAreaElement} */ (form.querySelector("[data-body]"));

/** @param {HTMLFormElement} form @returns {HTMLInputElement | null} */
const warning = (form) => form.querySelector("[data-warning]");

/** @param {HTMLFormElement} form */
function changed(form) {
  const body = field(form);
  body.required = !form.querySelector("[data-chosen]"); // a picture may speak for itself
  measure(form, body, warning(form)?.value ?? "");
  grow(body);
  sees(form);
}

/** @param {HTMLFormElement} form @param {HTMLTextAreaElement} body @param {string} warning */
function measure(form, body, warning) {
  const out = form.querySelector("[data-count]");
  if (!(out instanceof HTMLElement)) return;
  /** @type {import("./count.js").Rule} */
  const rule = JSON.parse(form.dataset.rule ?? "{}");
  const { left, fits } = count(rule, body.value, warning);
  const over = !fits;
  const lang = document.documentElement.lang;
  out.textContent = left.toLocaleString(lang);
  out.classList.toggle("over", over);
  out.classList.toggle("near", !over && left <= Math.max(20, (rule.max ?? 0) / 10));
  const words = over ? `${out.dataset.over} ${Math.max(1, -left).toLocaleString(lang)}` : "";
  if (words && !body.validationMessage) announce(words);
  body.setCustomValidity(words);
}

/** For browsers without field-sizing. @param {HTMLTextAreaElement} body */
function grow(body) {
  if (CSS.supports("field-sizing", "content")) return;
  body.rows = Math.min(16, Math.max(3, body.value.split("\n").length + Math.floor(body.value.length / 80)));
}

/** Says who can read the answer, as chosen. @param {HTMLFormElement} form */
function sees(form) {
  const chosen = form.elements.namedItem("visibility");
  if (chosen instanceof HTMLSelectElement) {
    for (const line of form.querySelectorAll("[data-sees]")) line.toggleAttribute("hidden", line.getAttribute("data-sees") !== chosen.value);
  }
  form.classList.toggle("private", !!form.querySelector("[data-private]:not([hidden])"));
}

/**
 * The answer is out: what was typed since is the next one. Whoever went away and
 * came back meanwhile has the same composer in another form.
 * @param {HTMLFormElement} form @param {FormData} data  what was sent
 */
function done(form, data) {
  const shown = document.getElementById(form.id);
  const next = shown instanceof HTMLFormElement ? shown : form;
  const was = String(data.get("body")).replaceAll("\r\n", "\n");
  const { value } = field(next);
  const rest = value.startsWith(was) ? value.slice(was.length).trimStart() : value;
  next.removeAttribute("data-keep"); // what the server says next counts for all but the words
  next.reset();
  field(next).value = rest;
  const line = warning(next);
  if (line) line.value = "";
  keep(next);
}

/** @param {HTMLFormElement} form */
const key = (form) => `parley-draft ${document.body.dataset.member ?? ""} ${form.id}`;

/** @param {HTMLFormElement} form */
function recall(form) {
  const body = field(form);
  const line = warning(form);
  const kept = draft(form);
  if (!kept || kept.body === body.value) return;
  const base = Number(kept.version ?? 0);
  const now = Number(form.dataset.version ?? 0);
  if ((base < now && body.value !== "") || (base > 0 && now === 0)) {
    offer(form, kept.body); // another device has gone on since, or sent it
    return;
  }
  body.value = kept.body;
  body.dispatchEvent(new Event("input", { bubbles: true }));
  if (!line || !kept.warning) return;
  line.value = kept.warning;
  line.closest("details")?.setAttribute("open", "");
}

/** @param {HTMLFormElement} form @returns {{body: string, warning: string, version?: string} | null} */
function draft(form) {
  try {
    return JSON.parse(localStorage.getItem(key(form)) ?? "null");
  } catch {
    return null; // a forbidden store, or one that somebody else wrote to
  }
}

/** @type {Map<HTMLFormElement, number>} drafts that wait for a pause in the typing */
const timers = new Map();

/** @param {HTMLFormElement} form */
function later(form) {
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(() => keep(form), 300));
}

/** Nobody who leaves waits for a pause. */
function flush() {
  for (const form of timers.keys()) keep(form);
}

/** @param {HTMLFormElement} form */
function keep(form) {
  clearTimeout(timers.get(form));
  timers.delete(form);
  const words = { body: field(form).value, warning: warning(form)?.value ?? "", version: form.dataset.version ?? "0" };
  try {
    if (words.body.trim() || words.warning.trim()) localStorage.setItem(key(form), JSON.stringify(words));
    else localStorage.removeItem(key(form));
  } catch {
    // a full or forbidden store: the words are still on the page
  }
}
