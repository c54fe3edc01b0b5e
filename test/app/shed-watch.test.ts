import { strict as assert } from "node:assert";
import { LOOK_MS, NOBODY_ASKS_MS, ShedWatch } from "../../src/app/shed-watch.ts";
import type { ThermalMode } from "../../src/control/thermal/thermal-mode.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import type { ShedWord } from "../../src/domain/shed.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { Hall } from "../support/thermal-hall.ts";

const EPOCH = Date.UTC(2026, 0, 1);
const WET = { rope: 1, secondRope: 1 } as const;
const nothing = { unconfirmed: [] };

/** A hall of two zones, and who watches over the sheds of them. */
function open(mode: ThermalMode) {
  const hall = new Hall(2, mode);
  const events: PlantEvent[] = [];
  const watch = new ShedWatch({
    zones: hall.state.zones,
    clock: {
      now: () => monotonicMs(hall.now),
      utcNow: () => utcMs(EPOCH + hall.now),
      sleep: async () => Promise.resolve(),
    },
    onEvent: (event) => {
      events.push(event);
    },
  });
  /** Seconds in which services asks and is told, or is not there. */
  const run = (seconds: number, word?: ShedWord): void => {
    for (let second = 0; second < seconds; second += 1) {
      hall.run(1);
      if (word !== undefined) watch.level(word);
      watch.look(monotonicMs(hall.now));
    }
  };
  const told = (): readonly string[] =>
    events.splice(0).map(({ id, phase, device }) => `${id} ${phase} ${device}`);
  return { hall, watch, run, told, events };
}

describe("the level of what has to leave the racks", () => {
  it("names the zone, the power, the cause, since when and whether it is latched", () => {
    const { hall, watch, run } = open("request");
    run(30, nothing);
    assert.deepEqual(watch.level(nothing), { upMs: 30_000, sheds: [] });
    hall.set(WET, 1);
    run(60, nothing);
    const { sheds, upMs } = watch.level(nothing);
    const [shed, ...others] = sheds;
    assert.deepEqual([others, upMs], [[], 90_000]);
    assert.deepEqual([shed?.zone, shed?.cause, shed?.isLatched], ["cdu-2", "leak-confirmed", true]);
    assert.ok((shed?.powerW ?? 0) > 2e6 && (shed?.powerW ?? 0) <= 3e6, `${shed?.powerW}`);
    const sinceMs = (shed?.sinceUtc ?? 0) - EPOCH;
    assert.ok(sinceMs > 30_000 && sinceMs < 90_000, `${sinceMs}`);
  });

  it("asks nobody for a zone that is only observed", () => {
    const { hall, watch, run, told } = open("observe");
    hall.set(WET);
    run(60, nothing);
    assert.ok(hall.ids().includes("shed-advised"));
    assert.deepEqual([watch.level(nothing).sheds, told()], [[], []]);
  });

  it("is told unconfirmed as long as services says so", () => {
    const { hall, run, told, events } = open("request");
    hall.set(WET);
    run(30, nothing);
    assert.deepEqual(told(), []);
    const word = { unconfirmed: [{ zone: "cdu-1", text: "no answer from job-1" }] };
    run(2, word);
    assert.deepEqual([events[0]?.text, events[0]?.severity], ["no answer from job-1", "critical"]);
    assert.deepEqual(told(), ["shed-unconfirmed raised cdu-1"]);
    run(1, nothing);
    assert.deepEqual(told(), ["shed-unconfirmed cleared cdu-1"]);
  });

  it("is told unconfirmed when services does not ask, and only then", () => {
    const { hall, run, told, events } = open("request");
    run(NOBODY_ASKS_MS / 1_000 + 60);
    assert.deepEqual(told(), [], "nothing has to go");
    hall.set(WET);
    run(5);
    run(NOBODY_ASKS_MS / 1_000 - 6);
    assert.deepEqual(told(), [], "services has some seconds to come back");
    run(60);
    assert.match(events[0]?.text ?? "", /gateway-services does not ask/);
    assert.deepEqual(told(), ["shed-unconfirmed raised cdu-1"]);
    run(1, nothing);
    assert.deepEqual(told(), ["shed-unconfirmed cleared cdu-1"]);
  });

  it("looks now and then, and not behind every cycle", () => {
    const { hall, watch, run, told } = open("request");
    hall.set(WET);
    run(60, nothing);
    watch.level({ unconfirmed: [{ zone: "cdu-1", text: "x" }] });
    watch.look(monotonicMs(hall.now + LOOK_MS - 1));
    assert.deepEqual(told(), []);
    watch.look(monotonicMs(hall.now + LOOK_MS));
    assert.equal(told().length, 1);
  });
});
