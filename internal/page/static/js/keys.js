// @ts-check
// The keyboard. Any element with data-key="r" answers to its key: links and
// buttons are clicked, fields are focused. j and k walk through [data-rows].
// Single letters can be switched off (WCAG 2.1.4); Mod is Control or Command.

const off = "parley-keys-off";

// The key of a field that is still on its way: what is typed after it is for the
// field, neither a shortcut nor for the conversation that is being left.
let wanted = "";

/** Whether a page is on its way. */
const waiting = () => !!document.querySelector("[inert]");

const mac = /Mac|iPhone|iPad/.test(navigator.platform);

export function start() {
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.isComposing || e.altKey || document.querySelector("dialog[open]")) return;
    const name = (e.metaKey || e.ctrlKey ? "Mod+" : "") + e.key;
    const typing = e.target instanceof Element && e.target.closest("input, textarea, select, [contenteditable]");
    if (typing && !name.startsWith("Mod+")) return;
    if (typing && mac && e.ctrlKey && e.key.length === 1) return; // moves in the text there
    if (name.length === 1 && localStorage.getItem(off)) return;
    if (!waiting()) wanted = "";
    if (wanted && name.length === 1) e.preventDefault();
    else if (walk(name) || press(name, typing, e.repeat)) e.preventDefault();
  });
  document.addEventListener("parley:put", () => wanted && press(wanted));
  const dialog = document.getElementById("shortcuts");
  dialog?.addEventListener("beforetoggle", fill);
  const box = dialog?.querySelector("[data-keys-off]");
  if (box instanceof HTMLInputElement) {
    box.checked = !!localStorage.getItem(off);
    box.addEventListener("change", () => (box.checked ? localStorage.setItem(off, "1") : localStorage.removeItem(off)));
  }
}

/** @param {string} name @param {Element | null | false} [typing] @param {boolean} [again]  the key is held down */
function press(name, typing = null, again = false) {
  const scope = typing ? typing.closest("form") : null;
  for (const el of document.querySelectorAll(`[data-key="${CSS.escape(name)}"]`)) {
    if (!(el instanceof HTMLElement) || !reachable(el)) continue;
    if (scope && !scope.contains(el) && !("everywhere" in el.dataset)) continue;
    const field = el.matches("input, textarea, select");
    if (el.closest("[inert]")) wanted = field ? name : "";
    else if (field || !again) act(el);
    return true;
  }
  return false;
}

/** What is not shown has no key, unless it waits in a closed menu. @param {HTMLElement} el */
function reachable(el) {
  return el.checkVisibility() || !!el.closest("[data-menu]");
}

/** @param {string} name */
function walk(name) {
  if (name !== "j" && name !== "k") return false;
  const rows = [...document.querySelectorAll("[data-rows] [data-row]")];
  if (!rows.length) return false;
  const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
  const next = rows[name === "j" ? Math.min(at + 1, rows.length - 1) : Math.max(at - 1, 0)];
  if (next instanceof HTMLElement && rows.indexOf(next) !== at) {
    next.click();
    next.scrollIntoView({ block: "nearest" });
  }
  return true;
}

/**
 * @typedef {{key: string, label: string, group: string, run: () => void}} Command
 *   group is where it works: "list", "thread", "write" or "all"
 */

/** What has a key on this page. @returns {Command[]} */
export function commands() {
  /** @type {Map<string, Command>} */
  const all = new Map();
  const rows = document.querySelector("[data-rows]");
  if (rows instanceof HTMLElement) {
    for (const [key, label] of [["j", rows.dataset.next], ["k", rows.dataset.previous]]) all.set(key ?? "", { key: key ?? "", label: label ?? "", group: "list", run: () => walk(key ?? "") });
  }
  for (const el of document.querySelectorAll("[data-key]")) {
    const key = el.getAttribute("data-key") ?? "";
    if (!(el instanceof HTMLElement) || all.has(key) || !(reachable(el) || el.closest("[data-composer]"))) continue;
    all.set(key, { key, label: el.dataset.keyLabel ?? el.textContent?.trim() ?? "", group: groupOf(el, key), run: () => act(el) });
  }
  const order = ["list", "thread", "write", "all"];
  return [...all.values()].sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
}

/** @param {HTMLElement} el @param {string} key */
function groupOf(el, key) {
  if (el.closest("#thread-pane")) return key.startsWith("Mod+") ? "write" : "thread";
  return el.closest("#list-pane") ? "list" : "all";
}

/** @param {HTMLElement} el */
function act(el) {
  if (el.matches("input, textarea, select")) el.focus();
  else el.click();
}

/** A key as it is drawn. @param {string} key */
export function kbd(key) {
  const el = document.createElement("kbd");
  el.textContent = key.replace("Mod", mac ? "⌘" : "Ctrl").replace("Escape", "Esc").replace("+", " ").replace(/ [a-z]$/, (s) => s.toUpperCase());
  return el;
}

/** Lists the keys of this page in the dialog. */
function fill() {
  const all = commands();
  for (const part of document.querySelectorAll("[data-keys]")) {
    const list = part.querySelector("dl");
    const mine = all.filter((c) => c.group === part.getAttribute("data-keys"));
    part.toggleAttribute("hidden", !mine.length);
    list?.replaceChildren();
    for (const command of mine) {
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.append(kbd(command.key));
      dd.textContent = command.label;
      list?.append(dt, dd);
    }
  }
}
