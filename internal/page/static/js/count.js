// Counts a post as its network will, while somebody types.
//
// It says the same as text.Count in Go, which is the truth and counts again
// before anything leaves. Both pass internal/text/testdata/count.json.
//
// Two versions of Unicode meet here. Go's graphemes are those of Unicode 15.0;
// Intl.Segmenter has those of the browser. Since 15.1 it joins the conjuncts of
// Indic scripts (rule GB9c), which networks count apart: graphemes() parts them
// again. A few characters newer than 15.0 can still differ by one.

/**
 * @typedef {Object} Rule  what text.Rule is in JSON
 * @property {"graphemes"|"runes"|"utf16"|"weighted"} unit
 * @property {number} [max]                   in unit; 0 or absent: no limit
 * @property {number} [max_bytes]             in UTF-8 bytes; 0 or absent: no limit
 * @property {number} [url_weight]            what an address counts; 0 or absent: in full
 * @property {number} [max_links]             different addresses; 0 or absent: no limit
 * @property {boolean} [cw_counts]            the content warning counts too
 * @property {boolean} [mention_domain_free]  @user@host counts as @user
 */

/**
 * @typedef {Object} Result
 * @property {number} used   in unit
 * @property {number} left   negative when too much was written; 0 without a limit
 * @property {number} bytes  in UTF-8
 * @property {number} links  different addresses
 * @property {boolean} fits
 */

/**
 * @typedef {Object} Entity  offsets count code points
 * @property {"link"|"mention"} kind
 * @property {number} start
 * @property {number} end
 * @property {number} name  mention: the end of "@user"
 */

/**
 * @param {Rule} rule
 * @param {string} body
 * @param {string} [warning]
 * @returns {Result}
 */
export function count(rule, body, warning = "") {
  if (!rule.cw_counts) warning = "";
  const chars = Array.from(body);
  const found = entities(chars);
  const bytes = new TextEncoder().encode(warning + body).length;
  const links = new Set(
    found.filter((e) => e.kind === "link").map((e) => chars.slice(e.start, e.end).join("")),
  ).size;
  const used =
    rule.unit === "weighted"
      ? weigh(Array.from(warning), [], rule) + weigh(chars, found, rule)
      : length(rule.unit, warning + shortened(chars, found, rule));
  const left = rule.max ? rule.max - used : 0;
  const fits =
    left >= 0 &&
    (!rule.max_bytes || bytes <= rule.max_bytes) &&
    (!rule.max_links || links <= rule.max_links);
  return { used, left, bytes, links, fits };
}

/** @param {string} unit @param {string} s @returns {number} */
function length(unit, s) {
  if (unit === "graphemes") return graphemes(s);
  if (unit === "utf16") return s.length;
  return Array.from(s).length;
}

const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });

// A letter after a mark begins a grapheme, except the Thai and Lao signs that
// Unicode calls letters.
const conjunct = /(?<=[\p{M}\u200d])(?![\u0e33\u0eb3])\p{Lo}/gu;

/** @param {string} s @returns {number} */
function graphemes(s) {
  let n = 0;
  for (const { segment } of segmenter.segment(s)) {
    n += 1 + (segment.length > 2 ? (segment.match(conjunct) ?? []).length : 0);
  }
  return n;
}

/** @param {string[]} chars @param {Entity[]} found @param {Rule} rule @returns {string} */
function shortened(chars, found, rule) {
  let out = "";
  let at = 0;
  for (const e of found) {
    if (e.kind === "link" && rule.url_weight) {
      out += chars.slice(at, e.start).join("") + "x".repeat(rule.url_weight);
    } else if (e.kind === "mention" && rule.mention_domain_free) {
      out += chars.slice(at, e.name).join("");
    } else {
      continue;
    }
    at = e.end;
  }
  return out + chars.slice(at).join("");
}

/** @param {string[]} chars @param {Entity[]} found @param {Rule} rule @returns {number} */
function weigh(chars, found, rule) {
  let n = 0;
  let at = 0;
  for (const e of found) {
    if (e.kind === "link" && rule.url_weight) {
      n += weight(chars.slice(at, e.start).join("")) + rule.url_weight;
    } else if (e.kind === "mention" && rule.mention_domain_free) {
      n += weight(chars.slice(at, e.name).join(""));
    } else {
      continue;
    }
    at = e.end;
  }
  return n + weight(chars.slice(at).join(""));
}

/** @param {string} s @returns {number} */
function weight(s) {
  const chars = Array.from(s.normalize("NFC"));
  let n = 0;
  for (let i = 0; i < chars.length; ) {
    const emoji = emojiLength(chars, i);
    if (emoji > 0) {
      n += 2;
      i += emoji;
      continue;
    }
    const c = /** @type {number} */ (chars[i].codePointAt(0));
    const light =
      c <= 0x10ff ||
      (c >= 0x2000 && c <= 0x200d) ||
      (c >= 0x2010 && c <= 0x201f) ||
      (c >= 0x2032 && c <= 0x2037);
    n += light ? 1 : 2;
    i++;
  }
  return n;
}

/** How many code points the emoji sequence at i has, if more than one; else 0.
 * @param {string[]} chars @param {number} i @returns {number} */
function emojiLength(chars, i) {
  const at = (/** @type {number} */ k) => chars[k]?.codePointAt(0) ?? 0;
  if (regional(at(i))) return regional(at(i + 1)) ? 2 : 0;
  if (/^[#*0-9]$/.test(chars[i])) {
    const k = at(i + 1) === 0xfe0f ? i + 2 : i + 1;
    return at(k) === 0x20e3 ? k + 1 - i : 0;
  }
  if (!pictograph(at(i))) return 0;
  const modifiers = (/** @type {number} */ k) => {
    while (modifier(at(k))) k++;
    return k;
  };
  let end = modifiers(i + 1);
  while (at(end) === 0x200d && pictograph(at(end + 1))) end = modifiers(end + 2);
  return end === i + 1 ? 0 : end - i;
}

/** @param {number} c */
const regional = (c) => c >= 0x1f1e6 && c <= 0x1f1ff;

/** @param {number} c */
const modifier = (c) =>
  c === 0xfe0f || (c >= 0x1f3fb && c <= 0x1f3ff) || (c >= 0xe0020 && c <= 0xe007f);

/** @param {number} c */
const pictograph = (c) =>
  [0xa9, 0xae, 0x203c, 0x2049, 0x3030, 0x303d, 0x3297, 0x3299].includes(c) ||
  (c >= 0x2100 && c <= 0x27bf) ||
  (c >= 0x2900 && c <= 0x297f) ||
  (c >= 0x2b00 && c <= 0x2bff) ||
  (c >= 0x1f000 && c <= 0x1faff && !regional(c));

// From here on: addresses and mentions, as internal/text/link.go finds them.

const maxURL = 4096;
const space = /^\p{White_Space}$/u;
const letterDigit = /^[\p{L}\p{M}\p{Nd}]$/u;
const wordChar = /^[\p{L}\p{M}\p{Nd}\p{Pc}]$/u;
const asciiWord = /^[A-Za-z0-9_]$/;

/** @param {RegExp} re @param {string|undefined} c */
const is = (re, c) => c !== undefined && re.test(c);

/** @param {string} set @param {string|undefined} c */
const among = (set, c) => c !== undefined && set.includes(c);

/** @param {string[]} chars @returns {Entity[]} */
export function entities(chars) {
  /** @type {Entity[]} */
  const out = [];
  for (let i = 0; i < chars.length; ) {
    const e = link(chars, i) ?? mention(chars, i);
    if (e) {
      out.push(e);
      i = e.end;
    } else {
      i = tag(chars, i) ?? i + 1;
    }
  }
  return out;
}

/** @param {string[]} chars @param {number} i @returns {Entity|undefined} */
function link(chars, i) {
  const c = chars[i];
  if (c !== "h" && c !== "H") return undefined;
  const prev = chars[i - 1];
  if ((is(asciiWord, prev) && prev !== "_") || among("@＠$#＃", prev)) return undefined;
  const scheme = /^https?:\/\//i.exec(chars.slice(i, i + 8).join(""));
  if (!scheme) return undefined;
  const host = hostEnd(chars, i + scheme[0].length);
  if (host === 0) return undefined;
  const last = Math.min(chars.length, host + maxURL);
  let end = portEnd(chars, host, last);
  end = pathEnd(chars, end, last);
  end = queryEnd(chars, end, last);
  return { kind: "link", start: i, end, name: 0 };
}

/** @param {string[]} chars @param {number} at @returns {number} 0: no domain name */
function hostEnd(chars, at) {
  let end = 0;
  for (let labels = 1; labels <= 127; labels++) {
    const stop = labelEnd(chars, at);
    if (stop === at) break;
    const label = chars.slice(at, stop).join("");
    at = stop;
    if (labels > 1 && topLevel(label) && !among("@+-_", chars[at])) end = at;
    if (chars[at] !== ".") break;
    at++;
  }
  return end;
}

/** @param {string[]} chars @param {number} at @returns {number} */
function labelEnd(chars, at) {
  let end = at;
  for (let i = at; i < Math.min(chars.length, at + 63); i++) {
    const c = chars[i];
    if (is(letterDigit, c)) end = i + 1;
    else if (!((c === "-" || c === "_") && i > at)) break;
  }
  return end;
}

/** @param {string} label */
const topLevel = (label) => /^xn--./i.test(label) || /^[\p{L}\p{M}]{2,}$/u.test(label);

/** @param {string[]} chars @param {number} at @param {number} last @returns {number} */
function portEnd(chars, at, last) {
  if (at >= last || chars[at] !== ":") return at;
  let end = at + 1;
  while (end < last && /^[0-9]$/.test(chars[end])) end++;
  return end > at + 1 ? end : at;
}

/** @param {string} c */
const pathChar = (c) => !space.test(c) && !"<>()?".includes(c);

/** @param {string[]} chars @param {number} at @param {number} last @returns {number} */
function pathEnd(chars, at, last) {
  if (at >= last || chars[at] !== "/") return at;
  for (let i = at; i < last; ) {
    const c = chars[i];
    if (c === "(") {
      const stop = parensEnd(chars, i, last, 1);
      if (stop === 0) return at;
      at = i = stop;
      continue;
    }
    if (!pathChar(c)) return at;
    i++;
    if (!"!*\"'「」;:=,.$%[]~&|@".includes(c)) at = i;
  }
  return at;
}

/** @param {string[]} chars @param {number} at @param {number} last @param {number} inner
 * @returns {number} 0: it never closes, or is empty */
function parensEnd(chars, at, last, inner) {
  for (let i = at + 1; i < last; ) {
    const c = chars[i];
    if (c === ")" && i > at + 1) return i + 1;
    if (c === "(" && inner > 0) {
      const stop = parensEnd(chars, i, last, inner - 1);
      if (stop === 0) return 0;
      inner = 0;
      i = stop;
      continue;
    }
    if (!pathChar(c)) return 0;
    i++;
  }
  return 0;
}

/** @param {string[]} chars @param {number} at @param {number} last @returns {number} */
function queryEnd(chars, at, last) {
  if (at >= last || chars[at] !== "?") return at;
  for (let i = at + 1; i < last; i++) {
    const c = chars[i];
    const code = /** @type {number} */ (c.codePointAt(0));
    if (asciiWord.test(c) || (code >= 0xa0 && !space.test(c)) || "&=#/-".includes(c)) at = i + 1;
    else if (!"!?*'();:+$%[].,~|@^".includes(c)) return at;
  }
  return at;
}

/** @param {string[]} chars @param {number} i @returns {Entity|undefined} */
function mention(chars, i) {
  if (chars[i] !== "@") return undefined;
  const prev = chars[i - 1];
  if (is(wordChar, prev) || prev === "=" || prev === "/") return undefined;
  const name = nameEnd(chars, i + 1, asciiWord);
  if (name === i + 1) return undefined;
  let end = name;
  if (chars[end] === "@") {
    const host = nameEnd(chars, end + 1, wordChar);
    if (host > end + 1) end = host;
  }
  const next = chars[end];
  if (next === "@" || next === "＠" || is(/^[\u00c0-\u024f]$/, next)) return undefined;
  if (chars.slice(end, end + 3).join("") === "://") return undefined;
  return { kind: "mention", start: i, end, name };
}

/** @param {string[]} chars @param {number} at @param {RegExp} inside @returns {number} */
function nameEnd(chars, at, inside) {
  let end = at;
  for (let i = at; i < chars.length; i++) {
    if (inside.test(chars[i])) end = i + 1;
    else if (!((chars[i] === "." || chars[i] === "-") && i > at)) break;
  }
  return end;
}

/** Tags count in full, but nothing inside one is an address or a mention.
 * @param {string[]} chars @param {number} i @returns {number|undefined} the end */
function tag(chars, i) {
  if (chars[i] !== "#" && chars[i] !== "＃") return undefined;
  const prev = chars[i - 1];
  if (is(letterDigit, prev) || among("=/)&", prev)) return undefined;
  let end = i + 1;
  let named = false;
  for (let k = i + 1; k < chars.length; k++) {
    if (wordChar.test(chars[k])) {
      end = k + 1;
      named ||= !/^[\p{Nd}_]$/u.test(chars[k]);
    } else if (k === i + 1 || !"·・\u200c".includes(chars[k])) {
      break;
    }
  }
  return named ? end : undefined;
}
