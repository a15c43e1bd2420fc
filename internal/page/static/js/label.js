// @ts-check
// Finding a label by typing. Without this script the whole list stands there.

/** @param {Element} chooser @returns {HTMLButtonElement[]} */
const buttons = (chooser) => [...chooser.querySelectorAll("button")].filter((b) => b.checkVisibility());

/** @param {Element} chooser  shows what has the typed words in its name */
function narrow(chooser) {
  const find = chooser.querySelector("[data-labels-find]");
  if (!(find instanceof HTMLInputElement)) return;
  const words = fold(find.value).split(/\s+/);
  let left = 0;
  for (const item of chooser.querySelectorAll("li")) {
    const name = fold(item.querySelector("[data-labels-name]")?.textContent ?? "");
    const found = words.every((w) => name.includes(w));
    item.toggleAttribute("hidden", !found);
    if (found) left++;
  }
  chooser.querySelector("[data-labels-nothing]")?.toggleAttribute("hidden", left > 0);
}

/** @param {string} s  without case and marks */
const fold = (s) => s.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().trim();

export function start() {
  document.addEventListener(
    "toggle",
    (e) => {
      const chooser = e.target;
      if (!(chooser instanceof HTMLDetailsElement) || !chooser.matches("[data-labels]")) return;
      const find = chooser.querySelector("[data-labels-find]");
      if (!(find instanceof HTMLInputElement)) return;
      find.value = "";
      narrow(chooser);
      if (chooser.open) find.focus();
    },
    true,
  );
  document.addEventListener("input", (e) => {
    const chooser = e.target instanceof Element && e.target.matches("[data-labels-find]") && e.target.closest("[data-labels]");
    if (chooser) narrow(chooser);
  });
  document.addEventListener("parley:put", () => document.querySelectorAll("[data-labels][open]").forEach(narrow));
  document.addEventListener("keydown", (e) => {
    const chooser = e.target instanceof Element && e.target.closest("[data-labels]");
    if (!chooser || e.isComposing) return;
    const all = buttons(chooser);
    const at = all.findIndex((b) => b === document.activeElement);
    if (e.key === "Enter" && at < 0 && e.target instanceof HTMLInputElement) all[0]?.click();
    else if (e.key === "ArrowDown") all[Math.min(at + 1, all.length - 1)]?.focus();
    else if (e.key === "ArrowUp" && at > 0) all[at - 1].focus();
    else if (e.key === "ArrowUp") /** @type {HTMLElement | null} */ (chooser.querySelector("[data-labels-find]"))?.focus();
    else return;
    e.preventDefault();
  });
}
