// @ts-check
// Makes one element look like another by changing as little as possible, so
// that focus, selection, scroll, a half-typed word in an input method, and open
// details, menus and dialogs survive. A form with data-keep that somebody is
// busy with keeps everything but its parts with data-renew.

/**
 * @param {Element} from  in the page
 * @param {Element} to    what it should be like; its nodes are used up
 */
export function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (held(from)) {
    renew(from, to);
    return;
  }
  if (from.nodeName !== to.nodeName) {
    from.replaceWith(to);
    return;
  }
  attributes(from, to);
  if (from instanceof HTMLTextAreaElement && from === document.activeElement) return;
  children(from, to);
}

// What the person or a script set, not the page.
const theirs = new Set(["open", "data-settled", "aria-busy", "inert"]);

/** @param {Element} from @param {Element} to */
function attributes(from, to) {
  for (const { name, value } of [...to.attributes]) {
    if (!theirs.has(name) && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    if (!theirs.has(name) && !to.hasAttribute(name)) from.removeAttribute(name);
  }
}

/** @param {Element} from @param {Element} to */
function children(from, to) {
  const named = byId(from);
  const wanted = byId(to);
  /** @type {ChildNode | null} */
  let at = from.firstChild;
  for (const next of [...to.childNodes]) {
    const match = find(at, next, named, wanted);
    if (!match) {
      from.insertBefore(next, at);
      continue;
    }
    if (match !== at) at = bring(from, match, at);
    at = match.nextSibling;
    if (match instanceof Element && next instanceof Element) {
      morph(match, next);
    } else if (match.nodeValue !== next.nodeValue) {
      match.nodeValue = next.nodeValue;
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    if (!(gone instanceof Element && held(gone))) gone.remove();
  }
}

/** @param {Element} parent @returns {Map<string, Element>} */
function byId(parent) {
  const map = new Map();
  for (const child of parent.children) if (child.id) map.set(child.id, child);
  return map;
}

/**
 * The old node that becomes next: the one of the same id, else the nearest of
 * the same kind that nobody else claims by its id.
 * @param {ChildNode | null} at
 * @param {ChildNode} next
 * @param {Map<string, Element>} named
 * @param {Map<string, Element>} wanted
 */
function find(at, next, named, wanted) {
  if (next instanceof Element && next.id) return named.get(next.id) ?? null;
  for (let c = at; c; c = c.nextSibling) {
    if (c.nodeName !== next.nodeName) continue;
    if (!(c instanceof Element) || !c.id || !wanted.has(c.id)) return c instanceof Element && c.id ? null : c;
  }
  return null;
}

/**
 * Puts match where at is. Moving an element that holds the focus would lose it,
 * so then the others move out of its way.
 * @param {Element} parent
 * @param {ChildNode} match
 * @param {ChildNode | null} at
 */
function bring(parent, match, at) {
  if ("moveBefore" in parent) {
    // @ts-ignore: keeps focus, scroll and open state; not in every browser yet
    parent.moveBefore(match, at);
  } else if (match.contains(document.activeElement)) {
    while (at && at !== match) {
      const next = at.nextSibling;
      parent.append(at);
      at = next;
    }
  } else {
    parent.insertBefore(match, at);
  }
  return match;
}

/** What somebody writes is not thrown away because the server thinks otherwise. @param {Element} el */
function held(el) {
  if (!(el instanceof HTMLFormElement) || !el.hasAttribute("data-keep")) return false;
  return el.contains(document.activeElement) || [...el.elements].some(filled);
}

/** @param {Element} field */
function filled(field) {
  if (field instanceof HTMLSelectElement) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((o) => o.defaultSelected));
  if (field instanceof HTMLTextAreaElement) return field.value.trim() !== "";
  return field instanceof HTMLInputElement && !["hidden", "submit"].includes(field.type) && field.value.trim() !== "";
}

/** @param {Element} from @param {Element} to */
function renew(from, to) {
  for (const part of from.querySelectorAll("[data-renew]")) {
    const next = to.querySelector(`[data-renew="${part.getAttribute("data-renew")}"]`);
    if (next) morph(part, next);
  }
}
