import { strict as assert } from "node:assert";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import { start } from "../support/processes.ts";

const LINKED = ["src", "native", "device-profiles", "package.json"];
const COPIED = ["dcpi-gateway", "first-run.mjs", "package-lock.json"];

/** The project without a build, as a clone is; what is installed is borrowed. */
function clone(folder: string): void {
  for (const name of LINKED) symlinkSync(path.resolve(name), path.join(folder, name));
  for (const name of COPIED) cpSync(name, path.join(folder, name));
  const modules = path.join(folder, "node_modules");
  mkdirSync(modules);
  for (const name of readdirSync("node_modules").filter((each) => !each.startsWith("."))) {
    symlinkSync(path.resolve("node_modules", name), path.join(modules, name));
  }
  cpSync("package-lock.json", path.join(modules, ".installed-lock"));
}

describe("dcpi-gateway in a fresh clone", () => {
  it("builds and runs, from any folder and through a link", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "clone-"));
    try {
      clone(folder);
      const elsewhere = path.join(folder, "elsewhere");
      mkdirSync(elsewhere);
      symlinkSync("../dcpi-gateway", path.join(elsewhere, "gateway"));
      const run = start("./gateway", ["config", "sample"], elsewhere);
      assert.equal(await run.ended(), 0, run.text());
      assert.equal(run.text(), `${SAMPLE_SITE.trimEnd()}\n`, "nothing else on its output");
      const built = path.join(folder, "dist", "src", "app", "cli.js");
      assert.notEqual(statSync(built).mode & 0o100, 0, "npm links this file as a command");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }).timeout(60_000);
});
