import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { COMMANDS } from "../../src/app/commands/table.ts";
import { SCL_BYTES_MAX } from "../../src/scl/xml-reader.ts";

/** Pages about commands, and the family of commands that each is about. */
const PAGES = [
  ["docs/device.md", "device "],
  ["docs/iec61850.md", "iec61850 "],
] as const;

describe("pages about the commands on devices", () => {
  for (const [file, family] of PAGES) {
    const page = readFileSync(file, "utf8");
    const commands = COMMANDS.filter(({ words }) => words.startsWith(family));

    it(`${file} shows every command with all of its options`, () => {
      assert.ok(commands.length > 1);
      for (const { words, options } of commands) {
        const [line] = page
          .split("\n")
          .filter((own) => RegExp(`^dcpi-gateway ${words} `).test(own));
        assert.ok(line !== undefined, words);
        for (const name of [...Object.keys(options), "json"]) {
          assert.ok(line.includes(`--${name}`), `${words} --${name}`);
        }
      }
    });

    it(`${file} names no option that there is not`, () => {
      const known = new Set(commands.flatMap(({ options }) => Object.keys(options)));
      const named = [...page.matchAll(/--([a-z][a-z-]*)/g)].map(([, name = ""]) => name);
      assert.deepEqual(
        named.filter((name) => name !== "json" && !known.has(name)),
        [],
      );
    });
  }

  it("docs/iec61850.md has the limit of the reader", () => {
    const page = readFileSync("docs/iec61850.md", "utf8");
    assert.ok(page.includes(`a file over ${SCL_BYTES_MAX / 1024 / 1024} MiB`));
  });
});
