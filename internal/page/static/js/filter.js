// @ts-check
// Copies the address of a narrowed list. It also stands in the address bar as
// long as no conversation is open.
import { announce } from "./page.js";

export function start() {
  document.addEventListener("click", async (e) => {
    const button = e.target instanceof Element ? e.target.closest("[data-copy]") : null;
    if (!(button instanceof HTMLElement)) return;
    const words = button.textContent;
    if (!(await copy(new URL(button.dataset.copy ?? "", location.href).href))) return;
    button.textContent = button.dataset.copied ?? "";
    announce(button.textContent);
    setTimeout(() => (button.textContent = words), 2000);
  });
}

/** Without https the clipboard takes only what is selected. @param {string} address */
async function copy(address) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(address).then(
      () => true,
      () => false,
    );
  }
  const field = document.createElement("input");
  field.value = address;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
