// @ts-check
// Ticking many: shift takes everything in between, x ticks what has the focus, j and
// k move, and one box ticks the page. Without this script they are boxes in a form.

/** @param {Element} form @returns {HTMLInputElement[]} */
const boxes = (form) => /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[data-pick]")]);

export function start() {
  /** @type {HTMLInputElement | null} */
  let last = null;
  document.addEventListener("click", (e) => {
    const box = e.target;
    if (!(box instanceof HTMLInputElement)) return;
    const form = box.closest("[data-under]");
    if (!form) return;
    const all = boxes(form);
    if (box.matches("[data-pick-all]")) for (const one of all) one.checked = box.checked;
    if (box.matches("[data-pick]")) {
      const from = last ? all.indexOf(last) : -1;
      const to = all.indexOf(box);
      if (e.shiftKey && from >= 0) for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = box.checked;
      last = box;
    }
    const every = form.querySelector("[data-pick-every]");
    if (every instanceof HTMLInputElement) for (const one of all) one.disabled = every.checked;
    const whole = form.querySelector("[data-pick-all]");
    if (whole instanceof HTMLInputElement) whole.checked = all.every((one) => one.checked);
  });
  document.addEventListener("keydown", (e) => {
    const form = document.querySelector("[data-under]");
    if (!form || e.metaKey || e.ctrlKey || e.altKey || !["j", "k", "x"].includes(e.key) || localStorage.getItem("parley-keys-off")) return;
    if (e.target instanceof Element && e.target.closest("input:not([type=checkbox]), textarea, select, dialog")) return;
    const all = boxes(form);
    const at = all.findIndex((box) => box === document.activeElement || box.closest("li")?.contains(document.activeElement));
    if (e.key === "x") all[at]?.click();
    else all[e.key === "j" ? Math.min(at + 1, all.length - 1) : Math.max(at - 1, 0)]?.focus();
    e.preventDefault();
  });
}
