import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import {
  COOLANT_GUARD_DEFAULTS,
  type CoolantSight,
  coolantWords,
  judgeCoolant,
} from "../../../src/control/thermal/coolant-guard.ts";
import {
  createHeatLimit,
  type HeatLimitSettings,
  RETURN_LIMIT_DEFAULTS,
  stepHeatLimit,
} from "../../../src/control/thermal/heat-limit.ts";
import {
  createLowFlow,
  LOW_FLOW_DEFAULTS,
  type LowFlowInputs,
  stepLowFlow,
} from "../../../src/control/thermal/low-flow.ts";
import {
  absentMeasure,
  goodMeasure,
  type Measured,
} from "../../../src/control/thermal/measured.ts";
import {
  createShed,
  LATCHING,
  releaseShed,
  SHED_CAUSES,
  SHED_DEFAULTS,
  shedClaims,
  stepShed,
} from "../../../src/control/thermal/shed.ts";
import { lost } from "./arbitraries.ts";

describe("low flow", () => {
  const run = (changes: Partial<LowFlowInputs>, seconds: number) => {
    const state = createLowFlow(LOW_FLOW_DEFAULTS);
    const inputs = {
      flow: goodMeasure(3_600),
      differential: absentMeasure(),
      supply: goodMeasure(32),
      return_: goodMeasure(42),
      needLPerMin: 3_600,
      isPumpLost: false,
      isIsolated: false,
      ...changes,
    };
    for (let s = 0; s <= seconds; s += 1) stepLowFlow(state, inputs, LOW_FLOW_DEFAULTS, s * 1_000);
    return state.out;
  };

  it("starts the standby pump within 2 s, and at once for a pump that is lost", () => {
    assert.equal(run({ flow: goodMeasure(3_200) }, 1).startStandby, false);
    assert.equal(run({ flow: goodMeasure(3_200) }, 2).startStandby, true);
    assert.equal(run({ isPumpLost: true }, 0).startStandby, true);
    assert.equal(run({ flow: goodMeasure(3_200) }, 600).isLow, false, "no load has to go");
  });

  it("asks for shed after 5 to 10 s below the threshold, after 2 s of standing still", () => {
    assert.equal(run({ flow: goodMeasure(2_000) }, 5).isLow, false);
    const { isLow, missingPart } = run({ flow: goodMeasure(2_000) }, 6);
    assert.deepEqual([isLow, Math.round(missingPart * 100)], [true, 44]);
    assert.equal(run({ flow: goodMeasure(0) }, 2).isLow, true);
  });

  it("takes the pressure for a flow that is lost", () => {
    const weak = { flow: lost(), differential: goodMeasure(20) };
    assert.equal(run(weak, 6).isLow, true);
    assert.equal(run({ ...weak, flow: goodMeasure(3_600) }, 60).isLow, false);
    assert.equal(run({ ...weak, flow: goodMeasure(3_600) }, 6).startStandby, true);
    assert.equal(run({ flow: lost(), differential: goodMeasure(120) }, 60).isEnough, true);
  });

  it("is blind when nothing of the loop is known, and sheds after a minute", () => {
    const all = { flow: lost(), supply: lost(), return_: lost() };
    assert.equal(run(all, 9).isBlind, false);
    assert.deepEqual([run(all, 10).isBlind, run(all, 10).isBlindLong], [true, false]);
    assert.equal(run(all, 60).isBlindLong, true);
    assert.equal(run({ ...all, return_: goodMeasure(42) }, 600).isBlind, false);
  });

  it("wants nothing of a loop without load", () => {
    assert.equal(run({ flow: goodMeasure(0), needLPerMin: 10 }, 600).isLow, false);
    assert.equal(run({ flow: goodMeasure(0), needLPerMin: Number.NaN }, 600).isLow, false);
  });
});

describe("shed before damage", () => {
  const run = (cels: readonly (number | "lost")[], settings: HeatLimitSettings) => {
    const state = createHeatLimit(settings);
    return cels.map((cel, s) => {
      const temperature: Measured = cel === "lost" ? lost() : goodMeasure(cel);
      return { ...stepHeatLimit(state, { temperature }, settings, s * 1_000) };
    });
  };
  /** Coolant stands still under 2.5 MW: 0.3125 K/s, in tenths of a kelvin. */
  const rising = Array.from({ length: 70 }, (_, s) => Math.round((42.1 + 0.3125 * s) * 10) / 10);

  it("asks a minute before the limit, in time for load to go", () => {
    const outs = run(rising, RETURN_LIMIT_DEFAULTS);
    const askedS = outs.findIndex(({ isCause }) => isCause);
    const limitS = rising.findIndex((cel) => cel >= 60);
    assert.ok(askedS <= 8 && limitS - askedS >= 45, `asked at ${askedS} s of ${limitS} s`);
  });

  it("would ask at the limit only without a forecast (negative control)", () => {
    const outs = run(rising, { ...RETURN_LIMIT_DEFAULTS, leadMs: 1 });
    assert.ok(outs.findIndex(({ isCause }) => isCause) >= 55);
  });

  it("does not ask for a temperature that only flickers", () => {
    const flicker = rising.map((_, s) => 48 + (s % 2) * 0.1);
    assert.ok(run(flicker, RETURN_LIMIT_DEFAULTS).every(({ isCause }) => !isCause));
  });

  it("takes a lost temperature to rise on, and never to fall", () => {
    const outs = run(
      [...rising.slice(0, 20), ...Array.from({ length: 60 }, () => "lost" as const)],
      {
        ...RETURN_LIMIT_DEFAULTS,
        leadMs: 10_000,
      },
    );
    assert.equal(outs[25]?.isCause, false);
    assert.equal(outs[60]?.isBeyond, true);
    const falling = run([50, 49, 48, 47, 46, "lost", "lost"], RETURN_LIMIT_DEFAULTS);
    assert.deepEqual([falling[6]?.cel, falling[6]?.isCalm], [46, false], "not known, not calm");
  });
});

describe("shed request", () => {
  const whole = (changes: Partial<Record<string, object>>) => {
    const claims = shedClaims();
    for (const name of SHED_CAUSES) Object.assign(claims[name], { isGone: true }, changes[name]);
    return claims;
  };

  it("ends by itself only where nothing latches, and when the coolant takes the load", () => {
    const state = createShed(SHED_DEFAULTS);
    const stands = whole({ "coolant-heating": { stands: true, isGone: false, powerW: 2e6 } });
    stepShed(state, { claims: stands, isReleaseSafe: true }, SHED_DEFAULTS, 0);
    assert.deepEqual([state.out.isAsked, state.out.powerW], [true, 2e6]);
    const gone = whole({});
    for (let s = 1; s <= 200; s += 1)
      stepShed(state, { claims: gone, isReleaseSafe: false }, SHED_DEFAULTS, s * 1_000);
    assert.equal(state.out.isAsked, true, "the coolant would not take it");
    stepShed(state, { claims: gone, isReleaseSafe: true }, SHED_DEFAULTS, 201_000);
    assert.equal(state.out.isAsked, false);
  });

  it("is latched for a leak until a person releases it, after a hold-off", () => {
    const state = createShed(SHED_DEFAULTS);
    const stands = whole({ "leak-confirmed": { stands: true, isGone: false, powerW: 2e6 } });
    const step = (claims: ReturnType<typeof whole>, s: number) =>
      stepShed(state, { claims, isReleaseSafe: true }, SHED_DEFAULTS, s * 1_000);
    step(stands, 0);
    const refusal = (claims: ReturnType<typeof whole>) => {
      const verdict = releaseShed(state, "all", claims);
      return verdict.result === "refused" ? verdict.reason : verdict.result;
    };
    assert.equal(refusal(stands), "cause-present");
    const unknown = whole({ "leak-confirmed": { isGone: false } });
    for (let s = 1; s < 3_600; s += 1) step(unknown, s);
    assert.equal(refusal(unknown), "cause-unknown");
    const gone = whole({});
    step(gone, 3_600);
    assert.equal(refusal(gone), "hold-off");
    for (let s = 3_601; s < 9_000; s += 1) step(gone, s);
    assert.equal(state.out.isAsked, true);
    assert.equal(refusal(gone), "released");
    step(gone, 9_000);
    assert.equal(state.out.isAsked, false);
    assert.equal(refusal(gone), "no-such-trip");
  });

  it("never ends and never shrinks while a cause stands or cannot be seen", () => {
    const claim = fc.record({
      stands: fc.boolean(),
      isGone: fc.boolean(),
      powerW: fc.double({ min: 0, max: 3e6, noNaN: true }),
    });
    const step = fc.record({
      claims: fc.record(Object.fromEntries(SHED_CAUSES.map((name) => [name, claim]))),
      isReleaseSafe: fc.boolean(),
      isReset: fc.boolean(),
      waitMs: fc.integer({ min: 0, max: 90_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const state = createShed(SHED_DEFAULTS);
        let [now, before] = [0, 0];
        for (const { claims: drawn, isReleaseSafe, isReset, waitMs } of steps) {
          now += waitMs;
          const claims = Object.assign(shedClaims(), drawn);
          const asked = SHED_CAUSES.filter((name) => state.causes[name].isAsked);
          const latched = SHED_CAUSES.filter((name) => state.causes[name].isLatched);
          if (isReset) releaseShed(state, "all", claims);
          const out = stepShed(state, { claims, isReleaseSafe }, SHED_DEFAULTS, now);
          for (const name of asked) {
            const { stands, isGone } = claims[name];
            const isStill = stands || !isGone || !isReleaseSafe;
            if (isStill) assert.equal(state.causes[name].isAsked, true, `${name} stands`);
            if (latched.includes(name) && !isReset)
              assert.equal(state.causes[name].isLatched, true, `${name} is latched`);
          }
          for (const name of SHED_CAUSES)
            if (claims[name].stands) {
              assert.equal(state.causes[name].isAsked, true);
              assert.equal(state.causes[name].isLatched, LATCHING.has(name));
            }
          if (out.isAsked && asked.length > 0) assert.ok(out.powerW >= before);
          before = out.powerW;
        }
      }),
    );
  });
});

describe("guard of the coolant", () => {
  const sight: CoolantSight = {
    heatW: 1e6,
    flowLPerMin: 1_450,
    supplyCel: 32,
    speedPercent: 40,
    floorCel: 17,
    isCauseThere: false,
    isIsolated: false,
  };
  const judge = (ask: Parameters<typeof judgeCoolant>[0], changes: Partial<CoolantSight> = {}) =>
    judgeCoolant(ask, { ...sight, ...changes }, COOLANT_GUARD_DEFAULTS);

  it("allows load that the coolant takes, and refuses more in numbers", () => {
    const fits = judge({ kind: "raise-heat", byW: 0.5e6 });
    assert.equal(fits.result === "allowed" && Math.round(fits.returnCel), 47);
    const refused = judge({ kind: "raise-heat", byW: 1.5e6 });
    assert.ok(refused.result === "refused" && refused.reason === "coolant-limit");
    assert.deepEqual([Math.round(refused.forecastCel), refused.highestCel], [57, 52]);
    const off = { ...COOLANT_GUARD_DEFAULTS, riseMaximumK: Infinity, returnLimitCel: Infinity };
    const free = judgeCoolant({ kind: "raise-heat", byW: 1.5e6 }, sight, off);
    assert.equal(free.result, "allowed", "the negative control");
  });

  it("refuses a release while its cause is there or the coolant is not known", () => {
    const ask = { kind: "raise-heat", byW: 1 } as const;
    const reason = (changes: Partial<CoolantSight>) => {
      const verdict = judge(ask, changes);
      return verdict.result === "refused" ? verdict.reason : "allowed";
    };
    assert.equal(reason({ isCauseThere: true }), "cause-present");
    for (const name of ["heatW", "flowLPerMin", "supplyCel"] as const)
      assert.equal(reason({ [name]: Number.NaN }), "coolant-unknown", name);
    assert.equal(reason({ flowLPerMin: 0 }), "coolant-unknown");
    assert.equal(reason({ supplyCel: 44.5 }), "coolant-limit");
  });

  it("refuses pre-cooling below the dew point, in numbers", () => {
    const verdict = judge({ kind: "supply-setpoint", setpointCel: 15 });
    assert.deepEqual(verdict, {
      result: "refused",
      reason: "below-dew-point",
      askedCel: 15,
      lowestCel: 17,
    });
    assert.equal(coolantWords(verdict), "15.0 °C is colder than the dew point allows, 17.0 °C");
    assert.equal(judge({ kind: "supply-setpoint", setpointCel: 20 }).result, "allowed");
    const blind = judge({ kind: "supply-setpoint", setpointCel: 20 }, { floorCel: Number.NaN });
    assert.equal(coolantWords(blind).includes("cannot be told"), true);
    assert.equal(judge({ kind: "supply-setpoint", setpointCel: 44.5 }).result, "refused");
  });

  it("refuses slower pumps where the heat needs them, and none in an isolated zone", () => {
    assert.equal(judge({ kind: "pump-speed", percent: 35 }).result, "allowed");
    assert.equal(judge({ kind: "pump-speed", percent: 10 }).result, "refused");
    assert.equal(judge({ kind: "pump-speed", percent: 0 }).result, "refused");
    assert.equal(judge({ kind: "pump-speed", percent: 100 }).result, "allowed");
    assert.equal(
      judge({ kind: "pump-speed", percent: 100 }, { isIsolated: true }).result,
      "refused",
    );
    assert.equal(
      judge({ kind: "pump-speed", percent: 35 }, { isCauseThere: true }).result,
      "refused",
    );
  });
});
