import { strict as assert } from "node:assert";
import { parseWorkloadStatus } from "../../src/dcpi/workload-status.ts";

const T = "2026-01-01T00:00:00.000Z";
const NOW = Date.UTC(2026, 0, 1);

const parse = (message: unknown) =>
  parseWorkloadStatus(new TextEncoder().encode(JSON.stringify(message)), { facility: "hall-1" });

const status = (members: object = {}) => ({
  PSWD_version: "1.0",
  timestamp: T,
  workload_id: "job-7",
  current_status: "throttled",
  ...members,
});

describe("a workload's word on its state", () => {
  it("is understood in both dialects, with what PSWD has beside it", () => {
    const members = { current_power_mw: 2.5, current_temperature_c: 60, progress_percent: 12 };
    const said = { workload: "job-7", timestamp: NOW, state: "throttled", powerW: 2.5e6 };
    assert.deepEqual(parse(status(members)), { ...said, dialect: "pswd" });
    const dcpi = status({ PSWD_version: undefined, dcpi_version: "1.0" });
    assert.deepEqual(parse(dcpi), { ...said, dialect: "dcpi", powerW: undefined });
  });

  for (const [why, members, refused, at] of [
    ["another state", { current_status: "happy" }, "schema", "/current_status"],
    ["no state", { current_status: undefined }, "schema", "/current_status"],
    ["a negative power", { current_power_mw: -1 }, "schema", "/current_power_mw"],
    ["a name that is a topic", { workload_id: "a/b" }, "schema", "/workload_id"],
    ["another site", { facility_id: "hall-2" }, "wrong-facility", "/facility_id"],
    ["no instant", { timestamp: "2026-01-01 00:00:00 UTC" }, "timestamp-malformed", "/timestamp"],
    ["both dialects", { dcpi_version: "1.0" }, "two-dialects", ""],
    ["no dialect", { PSWD_version: undefined }, "no-dialect", ""],
  ] as const)
    it(`is refused with its place: ${why}`, () => {
      const read = parse(status(members));
      assert.ok("refused" in read);
      assert.deepEqual([read.refused, read.at], [refused, at]);
    });
});
