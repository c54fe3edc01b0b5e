import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { deviceRead, deviceWatch } from "../../../src/app/commands/device-read.ts";
import type { DeviceSurroundings } from "../../../src/app/commands/device-session.ts";
import { deviceWrite } from "../../../src/app/commands/device-write.ts";
import type { CommandCall, ExitStatus } from "../../../src/app/terminal.ts";
import { GatewayError } from "../../../src/domain/errors.ts";
import { LatchFiles } from "../../../src/platform/latch-files.ts";
import { becomeSingleInstance } from "../../../src/platform/single-instance.ts";
import { DeviceBench } from "./device-bench.ts";

const SETPOINT = "active-power-setpoint";

describe("device commands", function () {
  this.timeout(20_000);
  let bench: DeviceBench;
  beforeEach(async () => {
    bench = await DeviceBench.make();
  });
  afterEach(() => {
    bench.dispose();
  });

  type Command = (call: CommandCall, surroundings?: DeviceSurroundings) => Promise<ExitStatus>;

  async function run(
    command: Command,
    words: readonly string[],
    options: CommandCall["options"] = {},
    answer?: string,
  ): Promise<ExitStatus> {
    const { makeLink, clock } = bench;
    const ask = async (question: string): Promise<string | undefined> => {
      bench.out.push(question);
      return Promise.resolve(answer);
    };
    return bench.run(async (call) => command(call, { makeLink, clock, ask }), words, options);
  }

  const shown = (point: string): unknown => bench.device?.readPoint(point);
  const said = (): string => [...bench.out, ...bench.err].join("\n");

  describe("device read", () => {
    it("shows every point with value, unit and quality, straight from the device", async () => {
      bench.device?.setPoint("active-power", -120_000);
      assert.equal(await run(deviceRead, ["bess-1"]), 0);
      assert.equal(bench.out.length, 5);
      assert.match(bench.out[0] ?? "", /^active-power +-120000 W +good$/);
      assert.match(bench.out[1] ?? "", /^control-location +remote +good$/);
    });

    it("shows the points that were named, as JSON on demand", async () => {
      const names = ["bess-1/control-location", "active-power"];
      assert.equal(await run(deviceRead, ["bess-1", ...names], { json: true }), 0);
      const answers = bench.out.map((line) => JSON.parse(line) as Record<string, unknown>);
      assert.deepEqual(
        answers.map(({ id, value, quality, unit }) => [id, value, quality, unit]),
        [
          ["bess-1/control-location", "remote", "good", undefined],
          ["bess-1/active-power", 0, "good", "W"],
        ],
      );
    });

    it("knows the nearest name of a device and of a point", async () => {
      assert.equal(await run(deviceRead, ["bes-1"]), 2);
      assert.deepEqual(bench.err, ['the site has no device "bes-1"; did you mean bess-1?']);
      assert.equal(await run(deviceRead, ["bess-1", "activ-power"]), 2);
      assert.match(said(), /has no point "activ-power"; did you mean active-power\?/);
      assert.equal(await run(deviceRead, []), 2);
      assert.match(said(), /needs the name of a device/);
    });

    it("says in a sentence that the device cannot be reached, with status 3", async () => {
      bench.device?.setFault({ kind: "stopped" }, 0);
      assert.equal(await run(deviceRead, ["bess-1"]), 3);
      assert.match(said(), /^bess-1 at 192\.0\.2\.11:502 unit 3 cannot be reached: /);
    });

    it("says that a device is silent, with status 3", async () => {
      bench.device?.setFault({ kind: "silent" }, 0);
      assert.equal(await run(deviceRead, ["bess-1"], { timeout: "5" }), 3);
      assert.match(said(), /does not answer; is the address right, and the unit id\?/);
    });

    it("says no, with status 1, where a point that was named has no value", async () => {
      bench.device?.setFault({ kind: "exception", code: 4 }, 0);
      assert.equal(await run(deviceRead, ["bess-1", "active-power"]), 1);
      assert.match(bench.out[0] ?? "", /— W +bad\/device-exception$/);
    });
  });

  describe("device watch", () => {
    it("says each change once, and ends after its time", async () => {
      bench.onLine = () => bench.device?.setPoint("active-power", 5_000);
      assert.equal(await run(deviceWatch, ["bess-1", "active-power"], { seconds: "0.4" }), 0);
      const values = bench.out.map((line) => line.replace(/^\S+ /, "").replaceAll(/ +/g, " "));
      assert.deepEqual(values, ["active-power 0 W good", "active-power 5000 W good"]);
    });

    it("redraws a table in place on a terminal, no more rows than it has", async () => {
      bench.screen = { columns: 80, rows: 5 };
      bench.onLine = () => bench.device?.setPoint("active-power", 5_000);
      assert.equal(await run(deviceWatch, ["bess-1"], { seconds: "1" }), 0);
      assert.deepEqual(bench.out, []);
      const [first = "", second = ""] = bench.drawn;
      assert.ok(first.startsWith("\u001b[Hactive-power "), JSON.stringify(first));
      assert.match(second, / 5000 W +good/);
      const rows = second.split("\n");
      assert.equal(rows.length, 4);
      assert.match(rows[3] ?? "", /^\d\d:\d\d:\d\d\.\d{3} UTC, 2 more; name those that matter/);
      assert.ok(bench.drawn.length <= 6, "not more often than a person can see");
    });

    it("ends with 3 when the device never answered", async () => {
      bench.device?.setFault({ kind: "stopped" }, 0);
      assert.equal(await run(deviceWatch, ["bess-1"], { seconds: "0.1" }), 3);
      assert.match(said(), /cannot be reached: .*; tried again in 1 s/);
    });
  });

  describe("device write", () => {
    const WIRE = [
      "bess-1/active-power-setpoint = 250000 W, at 192.0.2.11:502 unit 3; on the wire:",
      "  before function 6, address 30, unit 3: 1234",
      "  value  function 6, address 20, unit 3: 00FA",
      "  after  function 6, address 31, unit 3: 0001",
      "  danger: power",
      "  held only while watchdog is repeated every 1000 ms: it goes to zero",
    ];

    it("writes nothing to a device that somebody has locked out, gateway or not", async () => {
      const folder = path.join(bench.folder, "data", "control");
      mkdirSync(folder, { recursive: true });
      const lockouts = [{ asset: "bess-1", by: "anna", at: 1 }];
      const authority = { isLocalAsked: false, holds: [], yields: [], lockouts };
      const record = { version: 2, authority, latches: [] };
      const files = new LatchFiles(path.join(folder, "trips"));
      await files.load();
      await files.save(JSON.stringify(record));
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "-50000"], { yes: true }), 1);
      assert.match(said(), /bess-1 is locked out by anna/);
      assert.equal(shown(SETPOINT), 0);
    });

    it("shows what would go on the wire and writes nothing before it is told to", async () => {
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "250", "kW"], {}, "n"), 1);
      assert.deepEqual(bench.out, [...WIRE, "Write it? [y/N] "]);
      assert.deepEqual(bench.err, ["nothing was written"]);
      assert.equal(bench.device?.counters.writes, 0);
      assert.equal(shown(SETPOINT), 0);
    });

    it("writes after a yes, reads back, and tells what the device shows", async () => {
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "250000"], {}, "y"), 0);
      assert.equal(bench.out.at(-1), "written, and the device shows 250000 W");
      assert.equal(shown(SETPOINT), 250_000);
    });

    it("ends after the dry run when that is all that is wanted", async () => {
      const options = { "dry-run": true };
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "250000"], options), 0);
      assert.deepEqual(bench.out, [...WIRE, "a dry run: nothing was written"]);
      assert.equal(bench.device?.counters.writes, 0);
    });

    it("does not write where nobody can be asked, unless a script says --yes", async () => {
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "1000"]), 2);
      assert.match(said(), /nobody can be asked here: --yes/);
      assert.equal(bench.device?.counters.writes, 0);
      const options = { yes: true, json: true };
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "-250000"], options), 0);
      const [line, ...more] = bench.out;
      assert.deepEqual(more, []);
      assert.deepEqual(JSON.parse(line ?? ""), {
        point: "bess-1/active-power-setpoint",
        value: -250_000,
        unit: "W",
        place: "192.0.2.11:502 unit 3",
        wire: [
          { purpose: "before", unit: 3, function: 6, address: 30, words: ["1234"] },
          { purpose: "value", unit: 3, function: 6, address: 20, words: ["FF06"] },
          { purpose: "after", unit: 3, function: 6, address: 31, words: ["0001"] },
        ],
        result: "applied",
        shown: -250_000,
        sentence: "written, and the device shows -250000 W",
      });
    });

    it("tells when the device shows something else", async () => {
      bench.device?.setFault({ kind: "write-ignored" }, 0);
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "250000"], { yes: true }), 1);
      assert.deepEqual(bench.err, ["written, but the device shows 0 W instead of 250000 W"]);
    });

    it("does not say written where the device shows nothing to compare", async () => {
      bench.dispose();
      bench = await DeviceBench.make((site) =>
        site.replace("run-command,", "x-level,").replace("maximum: 1", "maximum: 9"),
      );
      assert.equal(await run(deviceWrite, ["bess-1", "x-level", "4"], { yes: true }), 0);
      assert.match(said(), /written; the device shows nowhere what it holds now/);
      assert.equal(shown("x-level"), 4);
    });

    it("keeps inside the envelope of the site and the range of the profile", async () => {
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "401000"], { yes: true }), 1);
      assert.match(
        said(),
        /401000 W is refused: it is beyond the envelope of the site \(-400000 W/,
      );
      bench.dispose();
      bench = await DeviceBench.make((site) => site.replace("maximum: 400", "maximum: 900"));
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "501000"], { yes: true }), 1);
      assert.match(said(), /501000 W is refused: it is beyond what the profile allows/);
      assert.equal(bench.device?.counters.writes, 0);
    });

    it("writes nothing that the envelope does not name, or the profile cannot write", async () => {
      assert.equal(await run(deviceWrite, ["bess-1", "x-level", "1"], { yes: true }), 1);
      assert.match(
        said(),
        /nothing may write bess-1\/x-level: the envelope of .*site\.yaml has no/,
      );
      assert.equal(await run(deviceWrite, ["bess-1", "active-power", "1"], { yes: true }), 1);
      assert.match(said(), /active-power is read only: acme\/battery has no way to write it/);
      assert.equal(bench.device?.counters.writes, 0);
    });

    it("respects the interlocks of the profile", async () => {
      bench.device?.setPoint("control-location", 1);
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "1000"], { yes: true }), 1);
      assert.match(said(), /is refused: an interlock of the profile is not open/);
      assert.equal(bench.device?.counters.writes, 0);
    });

    it("writes nothing while a gateway drives the device, and says how to", async () => {
      becomeSingleInstance(bench.lockFile);
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "1000"], { yes: true }), 1);
      assert.match(
        said(),
        RegExp(`^gateway-field \\(process ${process.pid}\\) drives bess-1, .* stop gateway-field`),
      );
      assert.equal(bench.device?.counters.writes, 0);
      assert.equal(await run(deviceRead, ["bess-1", "active-power"]), 0, "reading is no harm");
      const options = { "dry-run": true };
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "1000"], options), 0);
      assert.match(said(), /a dry run: nothing was written/);
    });

    it("looks for a gateway again after the person has answered", async () => {
      const { makeLink, clock } = bench;
      const ask = async (): Promise<string> => {
        becomeSingleInstance(bench.lockFile);
        return Promise.resolve("y");
      };
      const status = await bench.run(
        async (call) => deviceWrite(call, { makeLink, clock, ask }),
        ["bess-1", SETPOINT, "1000"],
      );
      assert.equal(status, 1);
      assert.match(said(), /drives bess-1, and two writers would fight/);
      assert.equal(bench.device?.counters.writes, 0);
    });

    it("wants more than a yes for what interrupts a load", async () => {
      const words = ["bess-1", "run-command", "start"];
      assert.equal(await run(deviceWrite, words, { yes: true }), 2);
      assert.match(said(), /add --danger interrupts-load/);
      assert.equal(await run(deviceWrite, words, {}, "y"), 1);
      assert.equal(bench.device?.counters.writes, 0);
      assert.equal(await run(deviceWrite, words, {}, "bess-1/run-command"), 0);
      assert.equal(shown("run-command"), 1);
      const options = { yes: true, danger: "interrupts-load" };
      assert.equal(await run(deviceWrite, ["bess-1", "run-command", "stop"], options), 0);
    });

    it("takes values as people say them, and says what would be right", async () => {
      const tries = [
        [["run-command", "strat"], /run-command is never set to "strat"; did you mean start\?/],
        [[SETPOINT, "much"], /takes a number, and "much" is none/],
        [[SETPOINT, "5", "Hz"], /is in W, and Hz cannot become that/],
        [[SETPOINT], /needs a point and a value; points that can be written: active-power-setp/],
      ] as const;
      for (const [words, sentence] of tries) {
        assert.equal(await run(deviceWrite, ["bess-1", ...words], { yes: true }), 2);
        assert.match(said(), sentence);
      }
    });

    it("says unknown, and nothing better, where the answer to the write was lost", async () => {
      const level = (site: string): string => {
        return site.replace("run-command,", "x-level,").replace("maximum: 1", "maximum: 9");
      };
      bench.dispose();
      bench = await DeviceBench.make(level);
      const { makeLink } = bench;
      bench.makeLink = async (...terms) => {
        const link = await makeLink(...terms);
        link.write = async () => {
          await Promise.resolve();
          throw new GatewayError("LINK_TIMEOUT", { sent: true });
        };
        return link;
      };
      assert.equal(await run(deviceWrite, ["bess-1", "x-level", "4"], { yes: true }), 3);
      assert.match(said(), /^unknown: it was sent and no answer came; the device may or may not/m);
    });

    it("says that the device cannot be reached before anything is asked", async () => {
      bench.device?.setFault({ kind: "stopped" }, 0);
      assert.equal(await run(deviceWrite, ["bess-1", SETPOINT, "1000"], {}, "y"), 3);
      assert.match(said(), /cannot be reached/);
      assert.ok(!bench.out.some((line) => line.includes("Write it?")));
    });
  });
});
