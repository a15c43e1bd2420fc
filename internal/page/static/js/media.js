// @ts-check
// Pictures of an answer: a row for each chosen file, with its description and a
// way to take it out, and one empty row for as long as the network takes more.

/** @param {HTMLFormElement} form */
export function files(form) {
  const box = form.querySelector("[data-media]");
  const spare = box?.querySelector("[data-media-row]")?.cloneNode(true);
  if (!(box instanceof HTMLElement) || !(spare instanceof Element)) return;
  const rows = () => [...box.querySelectorAll("[data-media-row]")];
  const spareRow = () => {
    if (rows().every(chosen) && rows().length < Number(box.dataset.max)) box.append(spare.cloneNode(true));
  };
  box.addEventListener("change", (e) => {
    const row = e.target instanceof Element && e.target.matches("[data-media-file]") ? e.target.closest("[data-media-row]") : null;
    if (!row) return;
    show(row);
    spareRow();
  });
  box.addEventListener("click", (e) => {
    const button = e.target instanceof Element ? e.target.closest("[data-media-remove]") : null;
    if (!button) return;
    button.closest("[data-media-row]")?.remove();
    spareRow();
    input(rows()[rows().length - 1])?.focus();
    form.dispatchEvent(new Event("input"));
  });
  form.addEventListener("reset", () => {
    for (const row of rows()) row.remove();
    spareRow();
  });
}

/** @param {Element} row @returns {HTMLInputElement | null} */
const input = (row) => row.querySelector("[data-media-file]");

/** @param {Element} row */
const chosen = (row) => !!input(row)?.files?.length;

/** Names a row after its file. @param {Element} row */
function show(row) {
  const name = row.querySelector("[data-media-name]");
  input(row)?.toggleAttribute("data-chosen", chosen(row));
  row.querySelector("[data-media-remove]")?.toggleAttribute("hidden", !chosen(row));
  const file = input(row)?.files?.[0];
  if (!file) return;
  row.setAttribute("aria-label", file.name);
  if (name) name.textContent = file.name;
}
