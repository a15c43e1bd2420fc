// @ts-check
// Notes for colleagues: the form opens with its field ready, closes once the note
// is kept, and offers names after an @.

export function start() {
  document.addEventListener("toggle", (e) => {
    const panel = e.target;
    if (!(panel instanceof HTMLDetailsElement) || !panel.open || !panel.matches(".panel, .note-edit")) return;
    const field = panel.querySelector("textarea, select");
    if (field instanceof HTMLElement) field.focus();
  }, true);
  document.addEventListener("keydown", (e) => {
    const panel = e.key === "Escape" && !e.defaultPrevented && e.target instanceof Element && e.target.closest(".panel[open], .note-edit[open]");
    if (!panel || !(e.target instanceof Element) || !e.target.closest("form")) return;
    panel.removeAttribute("open");
    panel.querySelector("summary")?.focus();
    e.preventDefault();
  });
  document.addEventListener("parley:sent", (e) => {
    const form = e.target;
    if (!(form instanceof HTMLFormElement) || !form.closest(".panel, .note-edit")) return;
    form.reset();
    form.closest("details")?.removeAttribute("open");
  }, true);
  document.addEventListener("input", (e) => e.target instanceof HTMLTextAreaElement && e.target.matches("[data-note-body]") && offer(e.target));
  document.addEventListener("focusout", (e) => e.target instanceof Element && e.target.matches("[data-note-body]") && setTimeout(close, 150));
  document.addEventListener("keydown", choose, true);
}

/** What stands between the last @ and the cursor. @param {HTMLTextAreaElement} field */
const begun = (field) => /(?:^|[^\p{L}\p{N}])@([\p{L}\p{N}'-]*(?: [\p{L}\p{N}'-]+)?)$/u.exec(field.value.slice(0, field.selectionEnd))?.[1];

/** @returns {HTMLElement | null} */
const list = () => document.querySelector(".note-people");

function close() {
  list()?.remove();
}

/** @param {HTMLTextAreaElement} field */
function offer(field) {
  close();
  const word = begun(field)?.toLowerCase();
  if (word === undefined) return;
  const names = [...document.querySelectorAll("[data-people] [data-person]")].filter((p) => p.textContent?.toLowerCase().split(" ").some((w, i, all) => all.slice(i).join(" ").startsWith(word)));
  if (!names.length || !field.form) return;
  const box = document.createElement("ul");
  box.className = "note-people";
  box.id = "note-people";
  box.setAttribute("role", "listbox");
  for (const [i, name] of names.slice(0, 8).entries()) {
    const option = document.createElement("li");
    option.id = `note-person-${i}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(i === 0));
    option.dataset.person = name.getAttribute("data-person") ?? "";
    option.textContent = name.textContent;
    option.addEventListener("mousedown", (e) => {
      e.preventDefault();
      take(field, option);
    });
    box.append(option);
  }
  field.form.append(box);
  field.setAttribute("aria-controls", box.id);
  field.setAttribute("aria-activedescendant", "note-person-0");
}

/** @param {KeyboardEvent} e */
function choose(e) {
  const field = e.target;
  const options = [...(list()?.children ?? [])];
  if (!options.length || e.isComposing || !(field instanceof HTMLTextAreaElement)) return;
  const at = options.findIndex((o) => o.getAttribute("aria-selected") === "true");
  if (e.key === "ArrowDown" || e.key === "ArrowUp") {
    const next = options[(at + (e.key === "ArrowDown" ? 1 : options.length - 1)) % options.length];
    for (const o of options) o.setAttribute("aria-selected", String(o === next));
    field.setAttribute("aria-activedescendant", next.id);
  } else if ((e.key === "Enter" || e.key === "Tab") && !e.ctrlKey && !e.metaKey) {
    take(field, options[at]);
  } else if (e.key === "Escape") {
    close();
  } else {
    return;
  }
  e.preventDefault();
  e.stopPropagation();
}

/** @param {HTMLTextAreaElement} field @param {Element} option */
function take(field, option) {
  const end = field.selectionEnd;
  const from = end - (begun(field)?.length ?? 0);
  field.setRangeText(`${option.textContent} `, from, end, "end");
  const chosen = document.createElement("input");
  chosen.type = "hidden";
  chosen.name = "chosen";
  chosen.value = option instanceof HTMLElement ? option.dataset.person ?? "" : "";
  field.form?.append(chosen);
  close();
}
