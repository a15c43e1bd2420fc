// @ts-check
// Counts down to when an answer leaves, for as long as it can be called back.
import { ahead } from "./page.js";

export function start() {
  tick();
  setInterval(tick, 250);
  document.addEventListener("parley:put", tick);
  // An empty composer that is in use would not take the words which come back.
  document.addEventListener("submit", (e) => {
    const at = document.activeElement;
    if (e.target instanceof HTMLFormElement && e.target.action.includes("/callback") && at instanceof HTMLElement) at.blur();
  }, true);
}

function tick() {
  for (const el of document.querySelectorAll("[data-leaves]")) {
    const words = el.querySelector("span");
    if (!(el instanceof HTMLElement) || !words) continue;
    const left = Math.ceil((Date.parse(el.dataset.leaves ?? "") - (Date.now() - ahead)) / 1000);
    const said = left > 0 ? (el.dataset.words ?? "").replace("{n}", String(left)) : el.dataset.sending ?? "";
    if (words.textContent !== said) words.textContent = said;
  }
}
