import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { cliFile } from "../../src/app/commands/roles.ts";
import { COMMANDS } from "../../src/app/commands/table.ts";
import { helpFor, usage } from "../../src/app/usage.ts";

function cli(...args: readonly string[]) {
  const terms = ["--import", "tsx", cliFile(), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, terms, { encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("help", () => {
  it("is about the command that it stands behind, wherever it stands", () => {
    const [line, summary, options] = helpFor(["config", "check", "site.yaml", "--help"]) ?? [];
    assert.equal(line, "usage: dcpi-gateway config check <file>");
    assert.match(summary ?? "", /wrong with a site file/);
    assert.equal(options, "  options: --config …, --json");
    for (const asked of [
      ["run", "-h"],
      ["help", "run"],
      ["run", "--config", "x", "--help"],
    ])
      assert.equal(helpFor(asked)?.[0], "usage: dcpi-gateway run --config site.yaml");
    for (const { words } of COMMANDS)
      assert.match(helpFor([...words.split(" "), "--help"])?.[0] ?? "", RegExp(words), words);
  });

  it("is about a family of commands, or about all", () => {
    const family = (helpFor(["config", "--help"]) ?? []).filter((line) => line.startsWith("usage"));
    const known = COMMANDS.filter(({ words }) => words.startsWith("config "));
    assert.equal(family.length, known.length);
    for (const asked of [["--help"], ["help"], ["-h"], ["nonsense", "--help"]])
      assert.deepEqual(helpFor(asked), usage());
    assert.equal(helpFor(["run", "--config", "help"]), undefined, "a file may be called so");
    assert.equal(helpFor([]), undefined);
  });

  it("stands on standard output with status 0; a mistake on standard error with status 2", () => {
    const asked = cli("events", "--help");
    assert.deepEqual([asked.status, asked.stderr], [0, ""]);
    assert.match(asked.stdout, /^usage: dcpi-gateway events /);
    const all = cli("--help");
    assert.deepEqual([all.status, all.stderr], [0, ""]);
    assert.equal(all.stdout, `${usage().join("\n")}\n`);
    const wrong = cli("evnets");
    assert.deepEqual([wrong.status, wrong.stdout], [2, ""]);
    assert.match(wrong.stderr, /^there is no command "evnets"\n/);
  }).timeout(20_000);
});
