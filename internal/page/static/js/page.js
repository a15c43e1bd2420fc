// @ts-check
// What every part of a page needs: marks that depend on who looks, times that
// grow older, and a voice for screen readers.

/** Header that marks a request for a part of a page. */
export const FETCH = "Parley-Fetch";

/** @param {string} words  read out politely by screen readers */
export function announce(words) {
  const voice = document.getElementById("announce");
  if (voice) voice.textContent = words;
}

// The path of what is open, or is on its way: a second j goes on from there.
let opened = location.pathname;

/**
 * Marks the open row and our own claims: a shared fragment cannot know them.
 * @param {string} [path]  opened from now on
 */
export function mark(path = opened) {
  opened = path;
  for (const row of document.querySelectorAll("[data-row]")) {
    if (row instanceof HTMLAnchorElement && row.pathname === opened) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  const me = document.body.dataset.member;
  for (const claim of document.querySelectorAll("[data-claimer]")) {
    const mine = claim instanceof HTMLElement && claim.dataset.claimer === me;
    claim.classList.toggle("mine", mine);
    claim.querySelector("[data-you]")?.toggleAttribute("hidden", !mine);
    claim.querySelector("[data-other]")?.toggleAttribute("hidden", mine);
  }
  age();
}

// What the browser's clock is ahead of the server's; many are minutes wrong.
export const ahead = Date.now() - (Date.parse(document.body.dataset.clock ?? "") || Date.now());

/** Writes young times anew: "now", "5m", "3h", and that a promise is over. Older ones stay as rendered. */
export function age() {
  const { now, minutes, hours } = document.body.dataset;
  for (const time of document.querySelectorAll("time[data-short]")) {
    const then = Date.parse(time.getAttribute("datetime") ?? "");
    const gone = Math.floor((Date.now() - ahead - then) / 60000);
    if (!(gone >= 0 && gone < 24 * 60)) continue;
    const words = gone < 1 ? now : gone < 60 ? minutes?.replace("{n}", String(gone)) : hours?.replace("{n}", String(Math.floor(gone / 60)));
    if (words && time.textContent !== words) time.textContent = words;
  }
  for (const time of document.querySelectorAll("time[data-due]")) {
    if (Date.now() - ahead < Date.parse(time.getAttribute("datetime") ?? "")) continue;
    time.textContent = time.getAttribute("data-due");
    time.classList.remove("promised");
  }
}

/** @param {Element} el  puts the newest message in sight */
export function toEnd(el) {
  el.scrollTop = el.scrollHeight;
}

/** @param {ParentNode} root  conversations begin at their end, or where the address says */
export function settle(root) {
  const sought = document.getElementById(location.hash.slice(1));
  for (const el of root.querySelectorAll("[data-scroll-end]:not([data-settled])")) {
    el.setAttribute("data-settled", "");
    if (sought && el.contains(sought)) sought.scrollIntoView({ block: "center" });
    else toEnd(el);
  }
}

/** Something new stands in the page. @param {ParentNode} root */
export function arrived(root) {
  settle(root);
  mark();
  document.dispatchEvent(new CustomEvent("parley:put"));
}

/** Menus close when one goes elsewhere, and dialogs too: they speak of what was there. */
export function closeAll() {
  for (const dialog of document.querySelectorAll("dialog[open]")) if (dialog instanceof HTMLDialogElement) dialog.close();
  for (const menu of document.querySelectorAll("details[data-menu][open]")) menu.removeAttribute("open");
}
