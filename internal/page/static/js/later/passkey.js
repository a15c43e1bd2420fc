// @ts-check
// Forms with data-passkey ask the browser for a passkey before they are sent:
// data-options is where they learn what to ask for, the field "answer" takes what
// the browser says. Everything else is the form's own.
import { FETCH } from "../page.js";

const able = "PublicKeyCredential" in window;

/** @param {NodeListOf<Element>} forms */
export function start(forms) {
  for (const el of document.querySelectorAll("[data-passkey-offer], form[data-passkey=get]")) el.toggleAttribute("hidden", !able);
  for (const el of document.querySelectorAll("[data-passkey-none]")) el.toggleAttribute("hidden", able);
  for (const form of forms) {
    if (form instanceof HTMLFormElement) form.addEventListener("submit", (e) => ask(form, e));
  }
}

/** @param {HTMLFormElement} form @param {Event} e */
async function ask(form, e) {
  const answer = form.elements.namedItem("answer");
  if (!(answer instanceof HTMLInputElement)) return;
  e.preventDefault();
  if (form.getAttribute("aria-busy") === "true") return;
  form.setAttribute("aria-busy", "true");
  form.querySelector("[data-problems]")?.replaceChildren();
  const given = await options(form);
  try {
    if (given) {
      answer.value = JSON.stringify(await credential(form.dataset.passkey === "create", given.publicKey));
      for (const el of form.querySelectorAll("input[type=password]")) el.removeAttribute("name"); // it was shown once already
      form.submit();
      return;
    }
  } catch (error) {
    const known = error instanceof DOMException && error.name === "InvalidStateError" && form.dataset.known;
    tell(form, known || form.dataset.cancelled || "");
  }
  form.removeAttribute("aria-busy");
}

/** @param {HTMLFormElement} form */
async function options(form) {
  // @ts-ignore: every field is text
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.dataset.options ?? "", { method: "POST", headers: { [FETCH]: "passkey" }, body }).catch(() => null);
  if (answer?.ok) return answer.json();
  const page = new DOMParser().parseFromString((await answer?.text()) ?? "", "text/html");
  const problem = page.querySelector("[data-problem]");
  if (problem) form.querySelector("[data-problems]")?.replaceChildren(problem);
  else tell(form, form.dataset.cancelled ?? "");
  return null;
}

/** @param {HTMLFormElement} form @param {string} words */
function tell(form, words) {
  const callout = document.createElement("div");
  callout.className = "callout";
  callout.setAttribute("role", "alert");
  const inside = document.createElement("p");
  inside.textContent = words;
  callout.append(inside);
  form.querySelector("[data-problems]")?.replaceChildren(callout);
}

/**
 * What the browser is given and what it says travels as text, its bytes in base64url.
 * @param {boolean} fresh @param {any} given
 */
async function credential(fresh, given) {
  given.challenge = bytes(given.challenge);
  if (given.user) given.user.id = bytes(given.user.id);
  for (const known of given.excludeCredentials ?? []) known.id = bytes(known.id);
  const made = fresh ? await navigator.credentials.create({ publicKey: given }) : await navigator.credentials.get({ publicKey: given });
  if (!(made instanceof PublicKeyCredential)) throw new Error("no passkey");
  /** @type {any} */
  const said = made.response;
  /** @type {Record<string, any>} */
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (said[name]) response[name] = text(said[name]);
  }
  if (said.getTransports) response.transports = said.getTransports();
  return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: made.getClientExtensionResults() };
}

/** @param {string} s */
const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

/** @param {ArrayBuffer} b */
const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
