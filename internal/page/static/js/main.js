// @ts-check
// Brings a page to life. Every page works without it.
import { age, mark, settle } from "./page.js";
import { start as live } from "./live.js";
import { start as swap } from "./swap.js";
import { start as keys } from "./keys.js";
import { start as composer } from "./composer.js";
import { start as label } from "./label.js";
import { start as notes } from "./note.js";
import { start as filter } from "./filter.js";
import { start as search } from "./search.js";
import { start as under } from "./under.js";
import { start as drafts } from "./draft.js";
import { start as leave } from "./leave.js";

document.documentElement.dataset.script = "";

// The server writes times in the reader's zone; only the browser knows it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const secure = location.protocol === "https:";
if (zone) document.cookie = `${secure ? "__Host-" : ""}parley-zone=${zone}; path=/; max-age=31536000; samesite=lax${secure ? "; secure" : ""}`;

// At the very first page it could not fill in the zone: the browser had not told yet.
for (const field of document.querySelectorAll("input[data-zone]")) {
  if (field instanceof HTMLInputElement && field.value === "" && zone && zone !== "UTC") field.value = zone;
}

// Menus close when one clicks elsewhere or presses Escape.
document.addEventListener("click", (e) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    const inside = e.target instanceof Node && menu.contains(e.target);
    const chosen = e.target instanceof Element && e.target.closest("a, button") && !menu.hasAttribute("data-stay");
    if (!inside || chosen) menu.removeAttribute("open");
  }
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.removeAttribute("open");
    menu.querySelector("summary")?.focus();
    e.preventDefault();
  }
});

// Buttons with command="show-modal", for browsers that do not know commands yet.
if (!("commandForElement" in HTMLButtonElement.prototype)) {
  document.addEventListener("click", (e) => {
    const button = e.target instanceof Element ? e.target.closest("[data-dialog]") : null;
    const dialog = document.getElementById(button?.getAttribute("data-dialog") ?? "");
    if (dialog instanceof HTMLDialogElement) dialog.showModal();
  });
}

// What is rarely used comes when it is.
const palette = document.getElementById("palette");
palette?.addEventListener("beforetoggle", () => import("./later/palette.js").then((m) => palette instanceof HTMLDialogElement && m.start(palette)), { once: true });

const passkeys = document.querySelectorAll("form[data-passkey]");
if (passkeys.length) import("./later/passkey.js").then((m) => m.start(passkeys));

settle(document);
mark();
swap();
keys();
composer();
label();
notes();
filter();
search();
under();
drafts();
leave();
live();
setInterval(age, 20000);

// Where nobody answers, a page of ours says so. Nothing that is private is kept.
if (document.body.dataset.liveUrl && "serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});
