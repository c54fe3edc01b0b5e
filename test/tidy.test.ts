import { strict as assert } from "node:assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { ERRORS } from "../src/domain/errors.ts";

const COLUMNS_MAX = 100;
/** The sentence of a test is not broken for a column or two; nor is what prettier must not. */
const UNBREAKABLE = /^\s*(it|describe)\(.{0,120}$|prettier-ignore$/;
const VAGUE_NAMES = /^(utils?|helpers?|common|misc|base|manager|types|data|info)\.ts$/;
const LICENCES = new Set([
  "MIT",
  "ISC",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "0BSD",
  "BlueOak-1.0.0",
  "CC0-1.0",
  "(MIT OR WTFPL)",
  "(BSD-2-Clause OR MIT OR Apache-2.0)",
  "(MIT OR CC0-1.0)",
  "WTFPL OR ISC",
]);

const files = ["src", "native", "test"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => path.posix.join(folder, name.replaceAll("\\", "/")))
    .map((file) => ({ file, text: readFileSync(file, "utf8") })),
);

/** What no linter checks, and every reader notices. A finding reads `file:line: what to do`. */
describe("tidy", () => {
  it(`keeps every line within ${COLUMNS_MAX} columns`, () => {
    const long = files.flatMap(({ file, text }) =>
      text
        .split("\n")
        .flatMap((line, i) =>
          line.length > COLUMNS_MAX && !UNBREAKABLE.test(line) ? [`${file}:${i + 1}: wrap`] : [],
        ),
    );
    assert.deepEqual(long, []);
  });

  it("names files after what is in them", () => {
    const vague = files
      .map(({ file }) => file)
      .filter((file) => VAGUE_NAMES.test(path.basename(file)));
    assert.deepEqual(vague, []);
  });

  it("leaves nothing marked for later", () => {
    const marker = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`);
    assert.deepEqual(
      files.filter(({ text }) => marker.test(text)).map(({ file }) => file),
      [],
    );
  });

  it("provokes every error in at least one test", () => {
    const tests = files.filter(({ file }) => file.startsWith("test/")).map(({ text }) => text);
    const untested = Object.keys(ERRORS).filter(
      (code) => !tests.some((text) => text.includes(`"${code}"`)),
    );
    assert.deepEqual(untested, []);
  });

  it("says a line on every folder in ARCHITECTURE.md, and on no other", () => {
    const said = [...readFileSync("ARCHITECTURE.md", "utf8").matchAll(/^\| `([a-z0-9/-]+)` \|/gm)]
      .map((match) => match[1] ?? "")
      .filter((folder) => existsSync(folder) || folder.startsWith("src/"))
      .filter((folder) => folder.startsWith("src/"));
    const there = readdirSync("src", { recursive: true, encoding: "utf8", withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => path.posix.join(entry.parentPath.replaceAll("\\", "/"), entry.name));
    assert.deepEqual([...said].sort(), there.sort());
  });

  it("uses only packages whose licence allows it to ship", () => {
    const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
      packages: Record<string, { license?: string; dev?: boolean }>;
    };
    const odd = Object.entries(lock.packages)
      .filter(([name, { dev }]) => name !== "" && dev !== true)
      .filter(([, { license }]) => !LICENCES.has(license ?? ""))
      .map(([name, { license }]) => `${name}: ${license ?? "no licence"}`);
    assert.deepEqual(odd, []);
  });

  it("names no registry host in the lock file", () => {
    assert.equal(readFileSync("package-lock.json", "utf8").includes('"resolved"'), false);
  });
});
