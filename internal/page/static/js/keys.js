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
  const scope = typing ? typing.closest("form") ?? document : document;
  for (const el of scope.querySelectorAll(`[data-key="${CSS.escape(name)}"]`)) {
    if (!(el instanceof HTMLElement) || !reachable(el)) continue;
    const field = el.matches("input, textarea, select");
    if (el.closest("[inert]")) wanted = field ? name : "";
    else if (field) el.focus();
    else if (!again) el.click();
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

/** Lists the keys of this page in the dialog. */
function fill() {
  const list = document.querySelector("[data-keys]");
  if (!list) return;
  const keys = new Map();
  const rows = document.querySelector("[data-rows]");
  if (rows instanceof HTMLElement) keys.set("j", rows.dataset.next).set("k", rows.dataset.previous);
  for (const el of document.querySelectorAll("[data-key]")) {
    if (el instanceof HTMLElement && el.dataset.key && (reachable(el) || el.closest("[data-composer]"))) keys.set(el.dataset.key, el.dataset.keyLabel ?? el.textContent?.trim());
  }
  list.replaceChildren();
  for (const [key, label] of keys) {
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    const kbd = document.createElement("kbd");
    kbd.textContent = key.replace("Mod", mac ? "⌘" : "Ctrl").replace("+", " ");
    dt.append(kbd);
    dd.textContent = label;
    list.append(dt, dd);
  }
}
