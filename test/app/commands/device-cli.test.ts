import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { cliFile } from "../../../src/app/commands/roles.ts";
import { STATION_FILE } from "../../scl/support.ts";

function cli(...args: readonly string[]) {
  const terms = ["--import", "tsx", cliFile(), ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, terms, {
    encoding: "utf8",
    input: "",
  });
  return { status, stdout, stderr };
}

describe("device commands at the command line", () => {
  it("take a negative number for a value, not for an option", () => {
    const words = ["device", "write", "bess-1", "active-power-setpoint", "-250", "kW"];
    const { status, stderr } = cli(...words, "--config", "no-such-site.yaml");
    assert.equal(status, 2);
    assert.match(stderr, /no-such-site\.yaml/);
    assert.doesNotMatch(stderr, /option/i);
  }).timeout(20_000);

  it("keep the profile on the output and everything else on the other", () => {
    const { status, stdout, stderr } = cli("iec61850", "import", STATION_FILE, "--ied", "BESS1");
    assert.equal(status, 0);
    assert.equal((JSON.parse(stdout) as { format: number }).format, 1);
    assert.match(stderr, /^# example-works\/station-controller: \d+ points of the vocabulary/);
  }).timeout(20_000);
});
