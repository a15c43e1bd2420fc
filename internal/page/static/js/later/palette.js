// @ts-check
// The palette: a field from which every place, every listed conversation and
// everything that has a key on this page is reached. The server lists the places,
// so that it opens before this module is here.
import { FETCH } from "../page.js";
import { commands, kbd } from "../keys.js";

// So many conversations show before and after something is typed.
const few = 5;
const many = 12;

/** @type {WeakMap<Element, () => void>} what an option does */
const deeds = new WeakMap();

/** @param {HTMLDialogElement} dialog  which has just been opened for the first time */
export function start(dialog) {
  const field = document.getElementById("palette-query");
  if (!(field instanceof HTMLInputElement)) return;
  dialog.addEventListener("beforetoggle", (e) => {
    if (e instanceof ToggleEvent && e.newState === "open") open(dialog, field);
    else field.value = "";
  });
  field.addEventListener("input", () => show(dialog, field));
  dialog.addEventListener("keydown", (e) => press(dialog, e));
  dialog.addEventListener("pointermove", (e) => {
    const option = e.target instanceof Element ? e.target.closest("[role=option]") : null;
    if (option && option.getAttribute("aria-selected") !== "true") choose(dialog, option);
  });
  dialog.addEventListener("click", (e) => {
    const option = e.target instanceof Element ? e.target.closest("[role=option]") : null;
    if (option) take(dialog, option);
  });
  open(dialog, field);
}

/** @param {HTMLDialogElement} dialog @param {HTMLInputElement} field */
async function open(dialog, field) {
  for (const name of ["do", "conversation"]) for (const option of groupOf(dialog, name).querySelectorAll("[role=option]")) option.remove();
  for (const command of commands()) {
    if (command.key === "Mod+k") continue;
    add(dialog, "do", `do-${command.key}`, [word(command.label), kbd(command.key)], command.run);
  }
  offer(dialog, document);
  show(dialog, field);
  const src = dialog.dataset.conversations;
  if (!src) return;
  const answer = await fetch(src, { headers: { [FETCH]: "palette" } }).catch(() => null);
  if (!answer?.ok || !dialog.open) return;
  offer(dialog, new DOMParser().parseFromString(await answer.text(), "text/html"));
  show(dialog, field, true);
}

/** Takes conversations over from a list. @param {HTMLDialogElement} dialog @param {Document} from */
function offer(dialog, from) {
  for (const row of from.querySelectorAll("a[data-row]")) {
    const href = row.getAttribute("href") ?? "";
    const path = new URL(href, location.href).pathname;
    const name = row.querySelector(".row-name")?.textContent ?? "";
    if (!name || document.getElementById("palette-" + path)) continue;
    const words = word(row.querySelector(".row-words")?.textContent?.trim() ?? "", "palette-words");
    add(dialog, "conversation", path, [word(name), words], () => {
      const here = [...document.querySelectorAll("a[data-row]")].find((a) => a instanceof HTMLAnchorElement && a.pathname === path);
      if (here instanceof HTMLElement) here.click();
      else location.assign(href);
    });
  }
}

/** @param {string} text @param {string} [kind] */
function word(text, kind) {
  const el = document.createElement("span");
  el.dir = "auto";
  el.textContent = text;
  if (kind) el.className = kind;
  return el;
}

/** @param {HTMLDialogElement} dialog @param {string} group @param {string} id @param {Element[]} parts @param {() => void} deed */
function add(dialog, group, id, parts, deed) {
  const option = document.createElement("div");
  option.id = "palette-" + id;
  option.className = "palette-option";
  option.setAttribute("role", "option");
  option.setAttribute("aria-selected", "false");
  option.append(...parts);
  deeds.set(option, deed);
  groupOf(dialog, group).append(option);
}

/** @param {HTMLDialogElement} dialog @param {string} name @returns {Element} */
function groupOf(dialog, name) {
  return dialog.querySelector(`[data-group="${name}"]`) ?? dialog;
}

/** @param {string} s  without case and accents */
const fold = (s) => s.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();

/** How well every word is found: the less the better, Infinity if one is not. @param {string} text @param {string[]} wanted */
function distance(text, wanted) {
  if (!wanted.every((w) => text.includes(w))) return Infinity;
  if (!wanted.length || text.startsWith(wanted[0])) return 0;
  return wanted.every((w) => text.startsWith(w) || text.includes(" " + w)) ? 1 : 2;
}

/**
 * Shows what fits, the best first, and chooses it.
 * @param {HTMLDialogElement} dialog @param {HTMLInputElement} field
 * @param {boolean} [late]  something came later: who has chosen already keeps the choice
 */
function show(dialog, field, late = false) {
  const chosen = late && dialog.querySelector("[aria-selected=true]");
  const wanted = fold(field.value).split(/\s+/).filter(Boolean);
  const groups = [...dialog.querySelectorAll("[data-group]")].map((group, place) => {
    const most = group.getAttribute("data-group") !== "conversation" ? Infinity : wanted.length ? many : few;
    const all = [...group.querySelectorAll("[role=option]")].map((option) => ({ option, far: distance(fold(option.textContent ?? ""), wanted) }));
    if (wanted.length) all.sort((a, b) => a.far - b.far);
    all.forEach(({ option, far }, i) => option.toggleAttribute("hidden", far === Infinity || i >= most));
    group.append(...all.map(({ option }) => option));
    const far = Math.min(Infinity, ...all.map((one) => one.far));
    group.toggleAttribute("hidden", far === Infinity);
    return { group, far: wanted.length ? far : 0, place };
  });
  groups.sort((a, b) => (a.far === b.far ? a.place - b.place : a.far - b.far));
  for (const { group } of groups) group.parentElement?.append(group);
  const all = shown(dialog);
  dialog.querySelector(".palette-none")?.toggleAttribute("hidden", all.length > 0);
  const status = dialog.querySelector("[data-found]");
  if (status instanceof HTMLElement) status.textContent = wanted.length ? (status.dataset.found ?? "").replace("{n}", String(all.length)) : "";
  choose(dialog, (chosen && all.includes(chosen) ? chosen : all[0]) ?? null);
}

/** @param {HTMLDialogElement} dialog */
const shown = (dialog) => [...dialog.querySelectorAll("[data-group]:not([hidden]) [role=option]:not([hidden])")];

/** @param {HTMLDialogElement} dialog @param {Element | null} option */
function choose(dialog, option) {
  dialog.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  document.getElementById("palette-query")?.setAttribute("aria-activedescendant", option?.id ?? "");
}

/** @param {HTMLDialogElement} dialog @param {KeyboardEvent} e */
function press(dialog, e) {
  if (e.isComposing) return;
  const all = shown(dialog);
  const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
  if (e.key === "ArrowDown" && all.length) choose(dialog, all[(at + 1) % all.length]);
  else if (e.key === "ArrowUp" && all.length) choose(dialog, all[(at - 1 + all.length) % all.length]);
  else if (e.key === "Enter") take(dialog, all[at]);
  else if (e.key.toLowerCase() === "k" && (e.ctrlKey || e.metaKey)) dialog.close();
  else return;
  e.preventDefault();
}

/** @param {HTMLDialogElement} dialog @param {Element | undefined} option */
function take(dialog, option) {
  if (!option) return;
  dialog.close(); // the focus goes back first: what is done may move it on
  const href = option.getAttribute("data-href");
  if (href) location.assign(href);
  else deeds.get(option)?.();
}
