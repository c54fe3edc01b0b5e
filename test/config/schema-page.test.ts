import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { siteFilePage } from "../../src/config/schema-page.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";

const page = siteFilePage();
const rows = page.split("\n").filter((line) => line.startsWith("| `"));

describe("docs/site-file.md", () => {
  it("is what the schema makes (config schema --markdown renews it)", () => {
    assert.equal(readFileSync("docs/site-file.md", "utf8"), page);
  });

  it("gives range, default and meaning of a key", () => {
    assert.ok(rows.includes("| `unit` | whole number, 0 to 255 | `1` | Modbus unit id. |"));
    const limit =
      "| `importLimitKw` | number, 0 or more | **needed** | Highest import by contract, kW. |";
    assert.ok(rows.includes(limit));
    assert.ok(
      rows.includes("| `units` | list of names, 1 to 64 | **needed** | A device of class bess. |"),
    );
  });

  it("says of every key what it means, but of the protocol that names its own section", () => {
    const silent = rows.filter((line) => line.endsWith("|  |"));
    assert.deepEqual(
      silent.map((line) => line.split(" | ")[0]),
      ["| `protocol`", "| `protocol`", "| `protocol`", "| `protocol`"],
    );
  });

  it("has every key of the sample, and a heading for every link", () => {
    for (const [, key = ""] of SAMPLE_SITE.replace(/#.*$/gm, "").matchAll(/\b([a-zA-Z]+): ?/g))
      if (!key.startsWith("mqtt"))
        assert.ok(
          rows.some((line) => line.includes(`\`${key}\``)),
          key,
        );
    const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, text = ""]) =>
      text
        .toLowerCase()
        .replace(/[^a-z0-9 -]/g, "")
        .replaceAll(" ", "-"),
    );
    for (const [, anchor = ""] of page.matchAll(/\]\(#([^)]*)\)/g))
      assert.ok(headings.includes(anchor), anchor);
  });
});
