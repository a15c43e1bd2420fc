// Run by `node --test`, and by the tests of package text.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

// Read rather than imported by name: without a package.json older versions of
// Node take a .js file for no module.
const source = readFileSync(new URL("./count.js", import.meta.url));
const { count } = await import(`data:text/javascript;base64,${source.toString("base64")}`);

const file = new URL("../../../text/testdata/count.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8"));

test("there are vectors", () => assert.ok(vectors.length >= 150));

for (const { name, rule, text, repeat = 1, warning, want } of vectors) {
  test(name, () => assert.deepEqual(count(rule, text.repeat(repeat), warning), want));
}
