import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { AlarmDesk } from "../../../src/app/alarm-desk.ts";
import { acknowledge } from "../../../src/app/commands/ack.ts";
import { durationMs } from "../../../src/app/commands/alarm-orders.ts";
import { explainAlarms, listAlarms } from "../../../src/app/commands/alarms.ts";
import { shelveAlarm, unshelveAlarm } from "../../../src/app/commands/alarms.ts";
import type { CommandCall, ExitStatus } from "../../../src/app/terminal.ts";
import { SAMPLE_SITE } from "../../../src/config/sample.ts";
import type { PlantEvent } from "../../../src/domain/event.ts";
import { RequestServer } from "../../../src/link/request-server.ts";
import { socketPath } from "../../../src/link/socket-paths.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { runCommandHere } from "../../support/command-run.ts";

describe("alarms at the box", () => {
  let folder: string;
  let out: string[];
  let err: string[];
  let stop: AbortController;
  let clock: SimClock;
  let desk: AlarmDesk;
  let told: PlantEvent[];

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "alarms-"));
    writeFileSync(path.join(folder, "site.yaml"), `runtimeDirectory: run\n${SAMPLE_SITE}`);
    out = [];
    err = [];
    told = [];
    stop = new AbortController();
    clock = new SimClock();
    await clock.advance(60_000);
    desk = new AlarmDesk({
      clock,
      log: createLogger("test", "silent"),
      device: "gateway-control",
      segmentOf: () => undefined,
      record: { state: "absent" },
      files: { save: async () => Promise.resolve() },
      onEvent: (event) => {
        told.push(event);
      },
      trips: () => [],
    });
    const server = new RequestServer({
      socketPath: socketPath(path.join(folder, "run"), "control/local"),
      methods: desk.answers,
    });
    await server.listen(stop.signal);
  });
  afterEach(() => {
    stop.abort();
    rmSync(folder, { recursive: true });
  });

  async function run(
    command: (call: CommandCall) => Promise<ExitStatus>,
    words: readonly string[] = [],
    options: CommandCall["options"] = {},
  ): Promise<ExitStatus> {
    const call = {
      positionals: words,
      options: { config: path.join(folder, "site.yaml"), by: "anna", ...options },
      signal: stop.signal,
    };
    return runCommandHere(command, call, { out, err });
  }

  function raise(id: string, severity: PlantEvent["severity"], device: string, text: string): void {
    const at = clock.utcNow();
    desk.take({ id, severity, phase: "raised", device, point: undefined, text, at });
  }

  function plant(): void {
    raise("local-mode", "info", "gateway-control", "the selector stands on local");
    raise("leak", "critical", "cdu-1", "coolant is where it should not be");
    raise("battery-trip", "trip", "bess-2", "too hot");
    raise("emergency-stop", "trip", "bess-1", "bess-1 was stopped");
  }

  it("lists what stands, the most urgent first, with what to do", async () => {
    plant();
    assert.equal(await run(listAlarms), 0);
    assert.deepEqual(out, [
      "UNACK   trip     battery-trip   bess-2          00:01:00 [FIRST] too hot",
      "        to do: Look at its cooling. If there is smoke or gas: leave, and call the fire " +
        "brigade. Res…",
      "UNACK   trip     emergency-stop bess-1          00:01:00 " +
        "[after battery-trip of bess-2] was stopped",
      "        to do: Find out who pressed it and why. Release it there, then reset.",
      "UNACK   critical leak           cdu-1           00:01:00 coolant is where it should not be",
      "        to do: Go there. Move the load off its racks before its pumps are stopped.",
      "        info     local-mode     gateway-control 00:01:00 the selector stands on local",
      "        to do: Turn the selector back, or `dcpi-gateway mode remote`. Nothing from " +
        "afar can do it.",
      "4 in the list, 3 to acknowledge, 3 calls in ten minutes",
    ]);
  });

  it("fits 100 columns, whatever names there are", async () => {
    raise("phase-change-inadequate", "critical", "a".repeat(40), "w".repeat(300));
    raise("cooling-latches-unreadable", "trip", "b".repeat(40), "w".repeat(300));
    desk.field.heard(true);
    desk.field.lost();
    assert.equal(await run(listAlarms), 0);
    assert.ok(out.length >= 5);
    for (const line of out) assert.ok(line.length <= 100, line);
    assert.match(out.at(-1) ?? "", /^gateway-field does not answer: .* as last known at 00:01:00$/);
  });

  it("says that nothing stands", async () => {
    assert.equal(await run(listAlarms), 0);
    desk.field.lost();
    assert.equal(await run(listAlarms), 0);
    assert.deepEqual(out, [
      "no alarms stand",
      "no alarms stand",
      "gateway-field does not answer: nothing is known of its alarms",
    ]);
  });

  it("hides what follows from another one, and shows it when asked", async () => {
    raise("no-communication", "warning", "d-1", "is lost");
    raise("unit-silent", "warning", "d-1", "is silent");
    await clock.advance(5_000);
    desk.turn();
    assert.equal(await run(listAlarms), 0);
    assert.ok(!out.some((line) => line.includes("unit-silent")));
    assert.match(out.at(-1) ?? "", /2 in the list.* 1 more follow from these \(--all shows them\)/);
    out = [];
    await run(listAlarms, [], { all: true });
    assert.ok(out.some((line) => line.startsWith("follows warning  unit-silent")));
  });

  it("gives the list as JSON, all of it", async () => {
    for (let i = 0; i < 300; i += 1) raise("pcs-fault", "critical", `d-${i}`, "fault");
    assert.equal(await run(listAlarms, [], { json: true }), 0);
    const answer = JSON.parse(out[0] ?? "") as { readonly alarms: readonly object[] };
    assert.equal(answer.alarms.length, 301);
  });

  it("acknowledges one, those of an id, or all, with the name", async () => {
    plant();
    assert.equal(await run(acknowledge, ["leak", "cdu-1"]), 0);
    assert.equal(await run(acknowledge, ["all"], { by: "bert" }), 0);
    assert.deepEqual(out, [
      "leak of cdu-1: 1 alarm is acknowledged; what is active stays in the list",
      "all: 2 alarms are acknowledged; what is active stays in the list",
    ]);
    assert.deepEqual(
      told.map(({ text }) => text),
      [
        "anna acknowledged leak of cdu-1",
        "bert acknowledged battery-trip of bess-2, emergency-stop of bess-1",
      ],
    );
    out = [];
    await run(listAlarms);
    assert.match(out[0] ?? "", /^acked {3}trip .*\[FIRST; by bert\] too hot$/);
  });

  it("refuses in words, and leaves with 1", async () => {
    assert.equal(await run(acknowledge, ["leak"]), 1);
    assert.equal(await run(acknowledge, ["leek"]), 1);
    const options = { for: "2h", reason: "work" };
    assert.equal(await run(shelveAlarm, ["emergency-stop", "bess-1"], options), 1);
    assert.equal(await run(shelveAlarm, ["leak", "cdu-1"], { ...options, for: "9h" }), 1);
    assert.equal(await run(unshelveAlarm, ["leak", "cdu-1"]), 1);
    assert.deepEqual(out, [
      "leak: refused, nothing waits for it",
      "leek: refused, there is no such alarm; `alarms explain` lists them all",
      "emergency-stop of bess-1: refused, it cannot be shelved: a trip, or what tells of a flood",
      "leak of cdu-1: refused, at most 8 hours; then it comes back by itself",
      "leak of cdu-1: refused, it is not shelved",
    ]);
  });

  it("shelves and takes back", async () => {
    const options = { for: "90m", reason: "rope is being dried" };
    assert.equal(await run(shelveAlarm, ["leak", "cdu-1"], options), 0);
    await run(listAlarms);
    raise("leak", "critical", "cdu-1", "wet");
    await run(listAlarms);
    assert.equal(await run(unshelveAlarm, ["leak", "cdu-1"], { by: "bert" }), 0);
    assert.deepEqual(out, [
      "leak of cdu-1: shelved until 01:31:00 UTC; then it comes back by itself",
      "no alarms stand",
      "shelved, not active: leak of cdu-1 until 01:31:00 by anna, rope is being dried",
      "shelved critical leak cdu-1 00:01:00 [until 01:31:00 by anna, rope is being dried] wet",
      "1 in the list, 0 to acknowledge, 0 calls in ten minutes",
      "leak of cdu-1: off the shelf",
    ]);
  });

  it("needs its words", async () => {
    assert.equal(await run(acknowledge), 2);
    assert.equal(await run(acknowledge, ["all", "cdu-1"]), 2);
    assert.equal(await run(shelveAlarm, ["leak", "cdu-1"], { for: "2h" }), 2);
    assert.equal(await run(shelveAlarm, ["leak", "cdu-1"], { for: "soon", reason: "work" }), 2);
    assert.equal(await run(unshelveAlarm), 2);
    assert.equal(await run(listAlarms, ["shelf"]), 2);
    assert.deepEqual(out, []);
    assert.equal(err.length, 6);
  });

  it("leaves with 3 where control does not answer", async () => {
    stop.abort();
    writeFileSync(path.join(folder, "site.yaml"), `runtimeDirectory: none\n${SAMPLE_SITE}`);
    assert.equal(await run(listAlarms), 3);
    assert.equal(await run(acknowledge, ["all"]), 3);
    assert.deepEqual(err, ["gateway-control does not answer", "gateway-control does not answer"]);
  });

  it("explains how an alarm calls", async () => {
    assert.equal(await run(explainAlarms, ["no-communication"]), 0);
    assert.ok(out.includes("  severity warning"));
    assert.match(out.at(-1) ?? "", /^ {2}calls {4}when it lasts 3 s; not while .* `links-lost`/);
    out = [];
    await run(explainAlarms, ["battery-trip"], { json: true });
    const entry = JSON.parse(out[0] ?? "") as Readonly<Record<string, unknown>>;
    assert.deepEqual([entry["severity"], entry["canBeShelved"]], ["trip", false]);
  });

  it("reads how long", () => {
    const cases = [
      ["90s", 90_000],
      ["30m", 1_800_000],
      ["30min", 1_800_000],
      ["1.5h", 5_400_000],
      ["2", undefined],
      ["h", undefined],
      ["-2h", undefined],
      ["2d", undefined],
    ] as const;
    for (const [text, ms] of cases) assert.equal(durationMs(text), ms, text);
  });
});
