// @ts-check
// The composer: counts while one writes, grows with the text, keeps a draft in
// this browser until it is sent. Go counts again before anything leaves.
import { announce } from "./page.js";
import { count } from "./count.js";

export function start() {
  begin();
  document.addEventListener("parley:put", begin);
  document.addEventListener("parley:sent", (e) => e.target instanceof HTMLFormElement && forget(e.target));
  new MutationObserver(begin).observe(document.body, { childList: true, subtree: true });
}

/** Sets up composers that are new on the page. */
function begin() {
  for (const form of document.querySelectorAll("form[data-composer]:not([data-ready])")) {
    if (form instanceof HTMLFormElement) setUp(form);
  }
}

/** @param {HTMLFormElement} form */
function setUp(form) {
  form.setAttribute("data-ready", "");
  const body = form.querySelector("[data-body]");
  if (!(body instanceof HTMLTextAreaElement)) return;
  const warning = form.querySelector("[data-warning]");
  recall(form, body);
  const changed = () => {
    measure(form, body.value, warning instanceof HTMLInputElement ? warning.value : "");
    grow(body);
  };
  form.addEventListener("input", () => {
    changed();
    later(form, body);
  });
  form.addEventListener("reset", () => setTimeout(changed));
  form.addEventListener("submit", () => !form.hasAttribute("data-swap") && forget(form));
  media(form);
  changed();
}

/** @param {HTMLFormElement} form @param {string} body @param {string} warning */
function measure(form, body, warning) {
  const out = form.querySelector("[data-count]");
  const field = form.querySelector("[data-body]");
  if (!(out instanceof HTMLElement) || !(field instanceof HTMLTextAreaElement)) return;
  /** @type {import("./count.js").Rule} */
  const rule = JSON.parse(form.dataset.rule ?? "{}");
  const { left, fits } = count(rule, body, warning);
  const over = !fits;
  const lang = document.documentElement.lang;
  out.textContent = left.toLocaleString(lang);
  out.classList.toggle("over", over);
  out.classList.toggle("near", !over && left <= Math.max(20, (rule.max ?? 0) / 10));
  const words = over ? `${out.dataset.over} ${Math.max(1, -left).toLocaleString(lang)}` : "";
  if (words && !field.validationMessage) announce(words);
  field.setCustomValidity(words);
}

/** For browsers without field-sizing. @param {HTMLTextAreaElement} body */
function grow(body) {
  if (CSS.supports("field-sizing", "content")) return;
  body.rows = Math.min(16, Math.max(3, body.value.split("\n").length + Math.floor(body.value.length / 80)));
}

/** @param {HTMLFormElement} form */
const key = (form) => `parley-draft ${document.body.dataset.member ?? ""} ${form.id}`;

/** @param {HTMLFormElement} form @param {HTMLTextAreaElement} body */
function recall(form, body) {
  const kept = localStorage.getItem(key(form));
  if (kept && body.value === "") body.value = kept;
}

/** @type {WeakMap<HTMLFormElement, number>} */
const timers = new WeakMap();

/** @param {HTMLFormElement} form @param {HTMLTextAreaElement} body */
function later(form, body) {
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(() => keep(form, body), 300));
}

/** @param {HTMLFormElement} form @param {HTMLTextAreaElement} body */
function keep(form, body) {
  try {
    if (body.value.trim()) localStorage.setItem(key(form), body.value);
    else localStorage.removeItem(key(form));
  } catch {
    // a full or forbidden store: the words are still on the page
  }
}

/** @param {HTMLFormElement} form */
function forget(form) {
  clearTimeout(timers.get(form));
  localStorage.removeItem(key(form));
}

/** A further row for each chosen file, up to the network's limit. @param {HTMLFormElement} form */
function media(form) {
  const box = form.querySelector("[data-media]");
  if (!(box instanceof HTMLElement)) return;
  const spare = box.querySelector("[data-media-row]")?.cloneNode(true);
  box.addEventListener("change", (e) => {
    const file = e.target;
    if (!(file instanceof HTMLInputElement) || file.type !== "file") return;
    file.toggleAttribute("data-chosen", !!file.files?.length);
    const name = file.closest("[data-media-row]")?.querySelector("[data-media-name]");
    if (name && file.files?.length) name.textContent = file.files[0].name;
    const rows = [...box.querySelectorAll("[data-media-file]")];
    const full = rows.every((f) => f instanceof HTMLInputElement && f.files?.length);
    if (full && rows.length < Number(box.dataset.max) && spare) box.append(spare.cloneNode(true));
  });
  form.addEventListener("reset", () => spare && box.querySelectorAll("[data-media-row]").forEach((row, i) => (i ? row.remove() : row.replaceWith(spare.cloneNode(true)))));
}
