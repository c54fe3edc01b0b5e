import { strict as assert } from "node:assert";
import { deliveryRun, runDelivery } from "../../../src/control/thermal/delivery-run.ts";
import { deliveryReason } from "../../../src/control/thermal/thermal-reasons.ts";
import { explainThermal, type ThermalWhy } from "../../../src/control/thermal/thermal-words.ts";
import { compileEnvelope } from "../../../src/control/envelope.ts";
import { Notices, noNotices } from "../../../src/control/notices.ts";
import { monotonicMs, utcMs } from "../../../src/domain/time.ts";
import { deliveryPlan, Hall } from "../../support/thermal-hall.ts";

const SPEED = "pump-speed-setpoint";

function whyOf(hall: Hall, asset = "cdu-1", point?: string): readonly ThermalWhy[] {
  const sight = {
    view: hall.image.view,
    now: monotonicMs(hall.now),
    timeOf: (at: number) => `t+${at / 1_000} s`,
  };
  return explainThermal(hall.state, { asset, point }, sight);
}

function speedOf(hall: Hall): ThermalWhy {
  const [why] = whyOf(hall, "cdu-1", SPEED);
  assert.ok(why !== undefined);
  return why;
}

function linesOf({ links }: ThermalWhy): string[] {
  return links.map(({ link, text }) => `${link}: ${text}`);
}

describe("why a pump runs at its speed", () => {
  it("is the heat of the racks, with what was measured, written and shown", () => {
    const hall = new Hall(1, "control");
    hall.run(5);
    const [write] = hall.writes;
    assert.ok(write !== undefined);
    const why = speedOf(hall);
    assert.deepEqual([why.mode, why.binding], ["control", "heat"]);
    const value = why.value ?? Number.NaN;
    assert.ok(Math.abs(value - write.value) < 1);
    assert.deepEqual(linesOf(why), [
      `summary: cdu-1/${SPEED} is asked for ${value.toFixed(1)} %: ` +
        "the flow follows the heat of the racks",
      "measurement: 3614 L/min flow; the racks give 2.50 MW, which needs 3614 L/min",
      "level: the flow follows the heat of the racks",
      `write: ${write.value.toFixed(1)} % was written at t+${write.sentAt / 1_000} s`,
      "effect: the device shows 83.0 %",
    ]);
  });

  const causes = [
    ["a leak", "leak", { rope: 1, secondRope: 1 }, 0],
    ["coolant that is too hot", "heat-limit", { return_: 70 }, undefined],
    ["a flow that nobody knows", "flow-unknown", { flow: "lost" }, undefined],
    ["a pump that is lost", "pump-lost", { flow: 3_290 }, undefined],
  ] as const;
  for (const [words, binding, values, value] of causes)
    it(`is ${words}`, () => {
      const hall = new Hall(1, "control");
      hall.run(10);
      hall.set(values);
      let why = speedOf(hall);
      for (let s = 0; s < 40 && why.binding !== binding; s += 1) {
        hall.run(1);
        why = speedOf(hall);
      }
      assert.equal(why.binding, binding);
      if (value !== undefined) assert.equal(why.value, value);
    });

  it("is the range that the site gives it", () => {
    const hall = new Hall(1, "control");
    hall.set({ flow: 3_000, return_: 44.5 });
    hall.run(60);
    const why = speedOf(hall);
    assert.deepEqual([why.binding, why.value], ["range", 100]);
    assert.ok(linesOf(why).includes("limits: no faster than 100 %"));
  });

  it("is the envelope, where that lets less through", () => {
    const hall = new Hall(1, "control");
    hall.run(5);
    const { speed } = hall.state.zones[0]?.actuators ?? {};
    assert.ok(speed !== undefined);
    speed.sentValue = 60;
    const why = speedOf(hall);
    assert.deepEqual([why.binding, why.value], ["envelope", 60]);
  });

  it("is that the device refuses it", () => {
    const hall = new Hall(1, "control");
    const [write] = hall.run(3);
    assert.ok(write !== undefined);
    const { point, value, sentAt } = write;
    hall.outcomes = [
      { point, value, sentAt, readBack: undefined, result: "refused", reason: "DEVICE_EXCEPTION" },
    ];
    hall.run(1);
    const why = speedOf(hall);
    assert.equal(why.binding, "refused");
    assert.match(why.links[0]?.text ?? "", /DEVICE_EXCEPTION/);
    assert.ok(linesOf(why).some((line) => line.startsWith("outcome: it was refused at t+")));
  });

  it("is nothing where the pump is not driven, and tells what would be", () => {
    const hall = new Hall(1, "observe");
    hall.run(5);
    const why = speedOf(hall);
    assert.deepEqual([why.binding, why.value], ["not-driven", undefined]);
    assert.match(why.links[0]?.text ?? "", /^nothing is asked of .* in mode observe/);
    assert.ok(linesOf(why).every((line) => !line.startsWith("write:")));
  });
});

describe("why the cooling does what it does", () => {
  it("is answered for each point of an asset, and for none of another's", () => {
    const hall = new Hall(2, "control", { setsSupply: true });
    hall.run(5);
    const points = whyOf(hall).map(({ asset, point }) => `${asset}/${point}`);
    assert.deepEqual(points, [
      "cdu-1/secondary.supply-temperature-setpoint",
      `cdu-1/${SPEED}`,
      "cdu-1/valve-position-setpoint",
      "cdu-1/standby-start",
    ]);
    assert.deepEqual(whyOf(hall, "bess-1"), []);
    assert.deepEqual(whyOf(hall, "cdu-1", "nothing"), []);
  });

  it("says that nothing is asked of a valve without a leak, and that it is shut by one", () => {
    const hall = new Hall(1, "control");
    hall.run(5);
    const [before] = whyOf(hall, "cdu-1", "valve-position-setpoint");
    assert.deepEqual([before?.binding, before?.value], ["no-cause", undefined]);
    hall.set({ rope: 1, secondRope: 1 });
    hall.run(30);
    const [after] = whyOf(hall, "cdu-1", "valve-position-setpoint");
    assert.deepEqual([after?.binding, after?.value], ["leak", 0]);
  });

  it("tells what decides a supply temperature: the site, the dew point, the way to it", () => {
    const hall = new Hall(1, "control", { setsSupply: true });
    hall.set({ setpoint: 32 });
    hall.run(5);
    const supply = (): ThermalWhy | undefined =>
      whyOf(hall, "cdu-1", "secondary.supply-temperature-setpoint")[0];
    assert.deepEqual([supply()?.binding, supply()?.value], ["site", 32]);
    hall.set({ room: 31 });
    hall.run(5);
    assert.equal(supply()?.binding, "rate");
    hall.run(60);
    assert.deepEqual([supply()?.binding, supply()?.value?.toFixed(1)], ["dew-point", "34.0"]);
  });

  it("tells that a standby pump is started, because too little coolant flows", () => {
    const hall = new Hall(1, "control", { setsSupply: true });
    hall.run(5);
    assert.equal(whyOf(hall, "cdu-1", "standby-start")[0]?.binding, "no-cause");
    hall.set({ flow: 2_000 });
    hall.run(10);
    const [why] = whyOf(hall, "cdu-1", "standby-start");
    assert.deepEqual([why?.binding, why?.value], ["flow-low", 1]);
  });

  it("tells that latches are unreadable, and that nothing is driven for it", () => {
    const hall = new Hall(1, "control");
    hall.state.isUnreadable = true;
    hall.run(5);
    const why = speedOf(hall);
    assert.deepEqual([why.mode, why.binding], ["request", "not-driven"]);
    assert.ok(linesOf(why).some((line) => line.includes("latches could not be read")));
  });
});

describe("why heat is delivered as it is", () => {
  function delivered(values: Readonly<Record<string, number>>, seconds = 120) {
    const hall = new Hall(1, "control");
    const bare = deliveryPlan(0);
    const read = Object.keys(values).map((name, at) => [name, { maxAgeMs: 1e9, point: at }]);
    const points = {
      ...{ ...bare.points, conductivity: undefined },
      ...(Object.fromEntries(read) as Partial<typeof bare.points>),
    };
    const run = deliveryRun({ ...bare, points, mode: "control" });
    hall.image.post({
      points: Uint32Array.from(Object.keys(values).keys()),
      values: Float64Array.from(Object.values(values)),
      quality: new Uint8Array(Object.keys(values).length),
      sourceTimes: undefined,
      texts: undefined,
      receivedAt: monotonicMs(0),
      receivedUtc: utcMs(0),
    });
    hall.image.take();
    for (let s = 1; s <= seconds; s += 1)
      runDelivery(run, {
        view: hall.image.view,
        now: monotonicMs(s * 1_000),
        envelope: compileEnvelope([]),
        writes: [],
        notices: new Notices(noNotices(), utcMs(0)),
        mode: (_asset, asked) => asked,
      });
    return run;
  }

  const cases = [
    ["the demand", "demand", { demand: 1e6, speed: 50 }],
    ["that nobody asks", "no-demand", { demand: 0, speed: 50 }],
    ["a source that has less", "source", { demand: 2e6, available: 1e6, speed: 50 }],
    ["dirty water", "isolation", { demand: 1e6, conductivity: 500, speed: 50 }],
  ] as const;
  for (const [words, binding, values] of cases)
    it(`is ${words}`, () => {
      const reason = deliveryReason(delivered(values), "speed");
      assert.equal(reason.binding, binding);
      if (binding === "isolation") assert.equal(reason.value, 0);
    });

  it("follows the temperature that the city asks for, within the site's range", () => {
    const setpoint = (demandCel: number, seconds?: number) =>
      deliveryReason(delivered({ demandCel }, seconds), "supplySetpoint");
    assert.deepEqual(
      [setpoint(80).binding, setpoint(80, 10).binding, setpoint(120, 600).binding],
      ["demand", "rate", "range"],
    );
    assert.equal(setpoint(120, 600).value, 90);
    assert.equal(deliveryReason(delivered({}), "valve").value, 100);
  });
});
