import { strict as assert } from "node:assert";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { RoundTap } from "../../src/app/round-tap.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { parseSite } from "../../src/config/load.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { qualityName } from "../../src/domain/quality.ts";
import type { Round } from "../../src/domain/round.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";

const PLACES = { basePort: 15_020, mqttPort: 18_830, directory: "data", runtimeDirectory: "run" };

/** Rounds of the first battery of the demo site, through the tap. */
function start() {
  const parsed = parseSite(demoSiteText(PLACES));
  assert.ok("site" in parsed);
  const context = contextOf(parsed.site, "/etc/site.yaml");
  const device = context.devices.find(({ definition }) => definition.deviceClass === "bess");
  assert.ok(device !== undefined);
  const { stream, id } = device.definition;
  const events: PlantEvent[] = [];
  const given = new Map<string, string>();
  const tap = new RoundTap(context, context.devices, {
    onRound: (round) => {
      round.points.forEach((point, at) => {
        const name = context.table.points[point]?.name ?? "";
        given.set(name, qualityName(round.quality[at] ?? 0));
      });
    },
    onEvent: (event) => events.push(event),
  });
  let seq = 0;
  const read = (
    at: number,
    values: Readonly<Record<string, number>>,
    when: { readonly isHistory?: true } = {},
  ) => {
    const names = Object.keys(values);
    seq += 1;
    const round: Round = {
      stream,
      seq,
      points: Uint32Array.from(names, (name) => context.table.indexById.get(`${id}/${name}`) ?? -1),
      values: Float64Array.from(Object.values(values)),
      quality: new Uint8Array(names.length),
      sourceTimes: undefined,
      texts: undefined,
      receivedAt: monotonicMs(at),
      receivedUtc: utcMs(at),
      ...when,
    };
    tap.emit(round);
  };
  return { id, read, given, events };
}

describe("tap of rounds", () => {
  it("believes no measurement of a battery whose heartbeat stands still for its profile's time", () => {
    const { id, read, given, events } = start();
    const poll = (at: number, beat: number) => {
      read(at, { heartbeat: beat });
      read(at + 10, { "active-power": at, "active-power-setpoint": 5 });
    };
    for (let at = 0; at <= 5_000; at += 1_000) poll(at, at / 1_000);
    poll(8_000, 5);
    assert.equal(given.get("active-power"), "good", "3,000 ms without a beat");
    poll(9_000, 5);
    assert.equal(given.get("active-power"), "uncertain/stale", "4,000 ms");
    assert.equal(given.get("heartbeat"), "uncertain/stale");
    assert.equal(given.get("active-power-setpoint"), "good", "its register holds what was written");
    poll(10_000, 6);
    assert.equal(given.get("active-power"), "good");
    assert.deepEqual(
      events.map((event) => [event.id, event.phase, event.device]),
      [
        ["values-frozen", "raised", id],
        ["values-frozen", "cleared", id],
      ],
    );
  });

  it("hands on what was as it is, and judges nothing by it", () => {
    const { read, given, events } = start();
    read(0, { "x-alarm-bits": 0 });
    given.clear();
    events.length = 0;
    read(100, { "x-alarm-bits": 2 ** 32 - 1, heartbeat: 1 }, { isHistory: true });
    assert.deepEqual(
      [...given],
      [
        ["x-alarm-bits", "good"],
        ["heartbeat", "good"],
      ],
    );
    assert.deepEqual(events, []);
    read(200, { "x-alarm-bits": 2 ** 32 - 1 });
    assert.ok(events.length > 0, "the same bits now are alarms");
  });
});
