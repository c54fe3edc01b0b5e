import { strict as assert } from "node:assert";
import { controlPlan } from "../../src/app/control-settings.ts";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { DeviceWriter, writablePoints, type WritingDriver } from "../../src/app/device-writer.ts";
import { contextOf, type SiteContext } from "../../src/app/site-context.ts";
import { South } from "../../src/app/south.ts";
import { obeyOrder } from "../../src/app/write-orders.ts";
import { requireSite } from "../../src/config/load.ts";
import { judgeWrite } from "../../src/control/envelope.ts";
import { createControl } from "../../src/control/state.ts";
import { pointIndex, type StreamId } from "../../src/domain/point.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import type { Setpoint } from "../../src/domain/write.ts";
import { PointImage } from "../../src/points/image.ts";
import { SimClock } from "../support/sim-clock.ts";

const NEVER = new AbortController().signal;

function demo(change: (text: string) => string = (text) => text): SiteContext {
  const text = demoSiteText({
    basePort: 15_020,
    mqttPort: 18_830,
    directory: "data",
    runtimeDirectory: "run",
    hasStations: true,
  });
  return contextOf(requireSite(change(text), "/etc/site.yaml"), "/etc/site.yaml");
}

/** A driver that remembers what reached it. */
function spy() {
  const written: number[] = [];
  const driver: WritingDriver = {
    write: async (setpoints: readonly Setpoint[]) => {
      written.push(...setpoints.map(({ point }) => point));
      return Promise.resolve(
        setpoints.map(() => ({ result: "accepted", readBack: undefined }) as const),
      );
    },
    letGo: () => undefined,
  };
  return { driver, written };
}

const setpoint = (point: number, value = 1): Setpoint => ({
  point: pointIndex(point),
  value,
  confirm: "read-back",
});

describe("what may be written at all", () => {
  it("is the lines of the envelope; every other point of every profile has no way", () => {
    const context = demo();
    const ways = writablePoints(context);
    const lines = new Set(context.site.envelope.map((line) => `${line.device}/${line.point}`));
    let ofProfiles = 0;
    for (const { index, id } of context.table.points) {
      const device = context.devices.find(
        ({ definition: { firstPoint, pointCount } }) =>
          index >= firstPoint && index < firstPoint + pointCount,
      );
      const hasWay =
        device !== undefined && ways.get(device.definition.stream)?.has(index) === true;
      assert.equal(hasWay, lines.has(id), id);
      ofProfiles += 1;
    }
    assert.ok(ofProfiles > 500);
    assert.equal(lines.size, 18);
  });

  it("is nothing of a device that is only observed, whatever its envelope says", () => {
    const observed = demo((text) => text.replaceAll(", drive: request", ""));
    const ways = writablePoints(observed);
    for (const { definition, profile } of observed.devices) {
      const isObserved = ["chiller", "cdu"].includes(profile.deviceClass);
      if (isObserved) assert.equal(ways.get(definition.stream), undefined, definition.id);
    }
    assert.equal(ways.size, 2, "the batteries");
  });

  it("is nothing of a meter, a UPS, a sensor or a station: their drivers get no writer", async () => {
    const context = demo();
    const ways = writablePoints(context);
    const stop = new AbortController();
    for (const role of ["control", "field"] as const) {
      const south = new South({ context, role, clock: new SimClock(), random: () => 0.5 });
      const sinks = { emit: () => undefined, onEvent: () => undefined };
      const running = south.run(sinks, stop.signal);
      while (south.drivers().size < south.devices.length)
        await new Promise((resolve) => setImmediate(resolve));
      for (const { definition } of south.devices) {
        const hasWriter = south.writer(definition.stream) !== undefined;
        assert.equal(hasWriter, ways.has(definition.stream), definition.id);
      }
      stop.abort();
      await running.catch(() => undefined);
      break;
    }
  });

  it("is said by the envelope of control alike: any other point is refused, also protection's", () => {
    const context = demo();
    const plan = controlPlan(context);
    assert.ok(plan !== undefined);
    const { envelope } = createControl(plan, { now: monotonicMs(0), latches: undefined });
    const ways = new Set([...writablePoints(context).values()].flatMap((points) => [...points]));
    const { view } = new PointImage(context.table.points.length);
    for (const { index, id } of context.table.points) {
      const request = { point: pointIndex(index), value: 0, isProtective: true };
      const verdict = judgeWrite(envelope, request, view, monotonicMs(0));
      assert.equal(verdict.result === "allowed", ways.has(pointIndex(index)), id);
    }
  });
});

describe("a writer of a device", () => {
  it("lets its own points through and refuses the others, in their places", async () => {
    const { driver, written } = spy();
    const writer = new DeviceWriter(driver, new Set([pointIndex(3), pointIndex(5)]));
    const outcomes = await writer.write([setpoint(3), setpoint(4), setpoint(5)], NEVER);
    assert.deepEqual(written, [3, 5]);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      ["accepted", "refused", "accepted"],
    );
    const [, refused] = outcomes;
    assert.ok(refused?.result === "refused");
    assert.equal(refused.error.context["reason"], "read-only");
  });

  it("does not even call its driver when nothing is left", async () => {
    let calls = 0;
    const driver: WritingDriver = {
      write: async () => Promise.resolve(((calls += 1), [])),
      letGo: () => undefined,
    };
    await new DeviceWriter(driver, new Set()).write([setpoint(1)], NEVER);
    assert.equal(calls, 0);
  });
});

describe("a write order that is forged", () => {
  const context = demo();
  const { table } = context;
  const ways = writablePoints(context);
  const { driver, written } = spy();
  const writers = new Map<StreamId, DeviceWriter>(
    [...ways].map(([stream, points]) => [stream, new DeviceWriter(driver, points)]),
  );
  const parts = {
    south: { writer: (stream: StreamId) => writers.get(stream) },
    table,
    givers: { note: () => undefined },
  };
  const indexOf = (id: string): number => table.indexById.get(id) ?? assert.fail(id);
  const order = async (device: string, point: number, value: unknown = 1) =>
    obeyOrder(parts, { device, setpoints: [{ point, value, confirm: "read-back" }] }, NEVER);

  for (const [what, device, point] of [
    ["a meter", "m-ups", "m-ups/active-power"],
    ["a UPS", "ups-1", "ups-1/ups-state"],
    ["a heat meter", "heat-meter-1", "heat-meter-1/flow"],
  ] as const)
    it(`to ${what} is refused: it has no write path`, async () => {
      const index = table.indexById.get(point) ?? 0;
      await assert.rejects(order(device, index), (error: unknown) => {
        assert.ok(error instanceof GatewayError);
        assert.equal(error.code, "REQUEST_REFUSED");
        return true;
      });
    });

  it("to a measurement of a device that has setpoints is refused by its writer", async () => {
    const [report] = await order("chiller-1", indexOf("chiller-1/secondary.supply-temperature"));
    assert.equal(report?.result, "refused");
    assert.match(report.reason ?? "", /REQUEST_REFUSED/);
    const foreign = await order("chiller-1", indexOf("bess-1/active-power-setpoint"));
    assert.equal(foreign[0]?.result, "refused", "a point of another device");
    assert.deepEqual(written, []);
  });

  for (const [what, params] of [
    ["nothing", undefined],
    ["no setpoints", { device: "chiller-1", setpoints: [] }],
    ["a device of another form", { device: 7, setpoints: [setpoint(1)] }],
    [
      "too many setpoints",
      { device: "chiller-1", setpoints: Array.from({ length: 65 }, () => setpoint(1)) },
    ],
    ["a point by its name", { device: "chiller-1", setpoints: [{ point: "x", value: 1 }] }],
    [
      "half a point",
      { device: "chiller-1", setpoints: [{ point: 1.5, value: 1, confirm: "by-poll" }] },
    ],
    [
      "a point before the first",
      { device: "chiller-1", setpoints: [{ point: -1, value: 1, confirm: "by-poll" }] },
    ],
  ] as const)
    it(`of ${what} is refused`, async () => {
      await assert.rejects(obeyOrder(parts, params, NEVER), { code: "REQUEST_REFUSED" });
    });

  it("is carried out where the envelope has a line", async () => {
    const point = indexOf("chiller-1/secondary.supply-temperature-setpoint");
    const [report] = await order("chiller-1", point, 18);
    assert.equal(report?.result, "accepted");
    assert.deepEqual(written, [point]);
  });
});
