import { strict as assert } from "node:assert";
import { UNREADABLE } from "../../src/control/authority/authority.ts";
import { takeOrder } from "../../src/control/authority/orders.ts";
import { isLetGo } from "../../src/control/cycle.ts";
import type { LocalOrder } from "../../src/control/exchange.ts";
import { type ControlState, createControl } from "../../src/control/state.ts";
import { judgeWrite } from "../../src/control/envelope.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import type { LatchRecord } from "../../src/control/trip-record.ts";
import { isTripped, OPERATOR_STOP } from "../../src/control/trips.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { CHILLER_SUPPLY, MW, testPlan, unitPoints } from "../support/plant-plan.ts";
import {
  lostReading,
  PlantSite,
  pressEmergencyStop,
  type SiteOptions,
} from "../support/plant-site.ts";

/** As far as two cycles of the meter's noise move a battery. */
const STILL_W = 1_000;

function start(change: Partial<ControlPlan> = {}, options: Partial<SiteOptions> = {}) {
  const site = new PlantSite({ plan: { ...testPlan(), ...change }, ...options });
  site.run(200);
  const ask = (order: LocalOrder, ms = 50) => {
    let answer: { readonly result: string; readonly reason: string | undefined } | undefined;
    const look = ({ answers }: { readonly answers: readonly (typeof answer)[] }) => {
      answer ??= answers[0];
    };
    site.onCycle.push(look);
    site.order(order);
    site.run(ms);
    site.onCycle.splice(site.onCycle.indexOf(look), 1);
    return answer;
  };
  const setPower = (powerW: number, id = "c") => {
    site.command({ id, action: { kind: "set-power", powerW, rampWPerS: 100 * MW } });
    site.run(1_000);
    return site.steps.filter(({ commandId }) => commandId === id);
  };
  /** Largest change of the batteries' setpoints from one cycle to the next from now on, W. */
  const watchSteps = () => {
    let beforeW = site.last!.status.totalW;
    const worst = { stepW: 0 };
    site.onCycle.push(({ status }) => {
      worst.stepW = Math.max(worst.stepW, Math.abs(status.totalW - beforeW));
      beforeW = status.totalW;
    });
    return worst;
  };
  return { site, ask, setPower, watchSteps };
}

function modesOf(site: PlantSite): readonly string[] {
  return site.last?.status.units.map(({ mode }) => mode) ?? [];
}

const BY = { by: "anna" } as const;

describe("hold", () => {
  it("keeps a battery where it is in the next cycle, whatever is asked from afar", () => {
    const { site, ask, setPower } = start();
    setPower(6 * MW);
    assert.equal(ask({ kind: "hold", asset: "all", ...BY })?.result, "done");
    assert.deepEqual(
      site.last!.status.units.map(({ mode, bindingLevel }) => [mode, bindingLevel]),
      [
        ["held", "local-hold"],
        ["held", "local-hold"],
      ],
    );
    assert.equal(setPower(-6 * MW, "d").at(-1)?.reason, "held-locally");
    const own = { kind: "set-power", powerW: 0, rampWPerS: undefined } as const;
    site.command({ id: "e", asset: "bess-1", action: own });
    site.run(70_000);
    assert.equal(site.steps.findLast(({ commandId }) => commandId === "e")?.reason, "held-locally");
    assert.ok(Math.abs(site.batteryW - 6 * MW) < STILL_W, `${site.batteryW}`);
  });

  it("keeps writing, so that no device goes back to zero by itself", () => {
    const { site, ask, setPower } = start();
    setPower(6 * MW);
    ask({ kind: "hold", asset: "bess-1", ...BY });
    let writes = 0;
    site.onCycle.push((result) => {
      writes += result.writes.filter(({ asset }) => asset === "bess-1").length;
    });
    site.run(10_000);
    assert.ok(writes >= 9, `${writes} in 10 s`);
  });

  it("is let go without a step, and what is asked comes back at its ramp", () => {
    const { site, ask, setPower, watchSteps } = start();
    setPower(6 * MW);
    ask({ kind: "hold", asset: "all", ...BY });
    site.run(70_000);
    const worst = watchSteps();
    assert.equal(ask({ kind: "release", asset: "all", ...BY })?.result, "done");
    site.run(30_000);
    const rampW = site.plan.grid.rampDownWPerS * 0.05;
    assert.ok(worst.stepW <= rampW + STILL_W, `${worst.stepW} W in a cycle`);
    assert.ok(site.batteryW < 6 * MW - 20 * rampW, "its lease is over: it ramps away");
  });

  it("does not hold off protection, nor the reserve", () => {
    const { site, ask, setPower } = start({}, { plan: testPlan({ rampWPerS: 5 * MW }), soc: 30.3 });
    setPower(6 * MW);
    ask({ kind: "hold", asset: "all", ...BY });
    assert.ok(site.batteryW > 5 * MW);
    site.run(20_000);
    assert.ok(site.batteryW < 1 * MW, "the reserve is kept");
    pressEmergencyStop(site.units[0]!, true);
    site.run(100);
    assert.deepEqual(
      site.last!.status.units.map(({ mode }) => mode),
      ["tripped", "tripped"],
    );
  });

  it("ends when control ends: nobody would be there to hold anything", () => {
    const { site, ask, setPower } = start();
    setPower(1 * MW);
    ask({ kind: "hold", asset: "all", ...BY });
    site.isStopping = true;
    site.run(60_000);
    assert.equal(site.last!.status.totalW, 0);
  });

  it("is not let go before it has ramped away", () => {
    const { site, ask, setPower } = start();
    setPower(1 * MW);
    ask({ kind: "hold", asset: "all", ...BY });
    site.isStopping = true;
    assert.equal(isLetGo(site.control), false, "before the cycle that begins it");
    let soonestW = Infinity;
    site.onCycle.push(({ status }) => {
      if (isLetGo(site.control)) soonestW = Math.min(soonestW, status.totalW);
    });
    site.run(60_000);
    assert.equal(soonestW, 0);
  });

  it("survives a restart, at what the battery gives then", () => {
    const { site, ask, setPower } = start();
    setPower(6 * MW);
    ask({ kind: "hold", asset: "all", ...BY });
    site.restartControl();
    site.run(60_000);
    assert.deepEqual(
      site.last!.status.units.map(({ mode }) => mode),
      ["held", "held"],
    );
    assert.ok(Math.abs(site.batteryW - 6 * MW) < 50_000, `${site.batteryW}`);
  });

  it("is refused for what is not there, and released only where it is", () => {
    const { ask } = start();
    assert.equal(ask({ kind: "hold", asset: "bess-9", ...BY })?.reason, "unknown-asset");
    assert.equal(ask({ kind: "release", asset: "bess-1", ...BY })?.reason, "not-held");
    assert.equal(ask({ kind: "hold", asset: "battery", ...BY })?.result, "done");
    assert.equal(ask({ kind: "release", asset: "bess-1", ...BY })?.result, "done");
    assert.equal(ask({ kind: "release", asset: "bess-1", ...BY })?.reason, "not-held");
    assert.equal(ask({ kind: "release", asset: "bess-2", ...BY })?.result, "done");
  });
});

describe("what was decided of an asset that has left the site", () => {
  const at = utcMs(0);
  const gone = { asset: "bess-9", at };
  const authority = {
    isLocalAsked: false,
    holds: [{ ...gone, by: "anna" }],
    lockouts: [],
    yields: [gone],
  };
  const latch = { id: OPERATOR_STOP, device: "bess-9", text: "anna stopped bess-9", at: 0 };
  const saved: LatchRecord = {
    version: 2,
    latches: [{ ...latch, isFirstOut: true, assets: ["bess-9"] }],
    authority,
  };

  for (const asset of ["all", "bess-9"])
    it(`is undone by releasing ${asset}`, () => {
      const plan = testPlan();
      const state = createControl(plan, { now: monotonicMs(0), utc: utcMs(0), latches: saved });
      const { trips } = state;
      assert.ok(isTripped(trips, 0), "what nobody knows holds everything");
      const events: PlantEvent[] = [];
      const standOf = () => "still" as const;
      const sight = { plan, trips, standOf, utc: at, events };
      const order = { kind: "release", asset, ...BY } as const;
      assert.equal(takeOrder(state.authority, order, sight).result, "done");
      assert.equal(isTripped(trips, 0), false);
      assert.deepEqual([state.authority.holds, state.authority.yields], [[], []]);
      assert.deepEqual(
        events.map(({ id, device }) => [id, device]),
        [
          [OPERATOR_STOP, "bess-9"],
          ["local-order", asset === "all" ? undefined : asset],
        ],
      );
      assert.equal(takeOrder(state.authority, order, sight).result, "refused");
    });
});

describe("stop by hand", () => {
  it("stops a battery in the same cycle, is latched, and no reset lifts it", () => {
    const { site, ask, setPower } = start();
    setPower(6 * MW);
    ask({ kind: "stop", asset: "bess-1", ...BY });
    const [unit] = site.last!.status.units;
    assert.deepEqual([unit?.mode, unit?.setpointW], ["tripped", 0]);
    site.run(500);
    assert.equal(site.units[0]?.powerW, 0);
    assert.equal(ask({ kind: "reset", trip: "all", ...BY })?.reason, "no-such-trip");
    assert.equal(ask({ kind: "reset", trip: "operator-stop", ...BY })?.reason, "release-it");
    site.restartControl();
    site.run(1_000);
    assert.equal(site.last!.status.units[0]?.mode, "tripped");
    assert.equal(ask({ kind: "release", asset: "bess-1", ...BY })?.result, "done");
    site.run(3_000);
    assert.equal(modesOf(site)[0], "ready");
  });

  it("is told with the name of who did it, raised and cleared", () => {
    const { site, ask } = start();
    ask({ kind: "stop", asset: "all", ...BY });
    ask({ kind: "release", asset: "all", ...BY });
    assert.deepEqual(
      site.eventsOf("operator-stop").map(({ phase, device }) => [phase, device]),
      [
        ["raised", "bess-1"],
        ["raised", "bess-2"],
        ["cleared", "bess-1"],
        ["cleared", "bess-2"],
      ],
    );
    for (const { text } of site.eventsOf("operator-stop")) assert.match(text, /anna/);
    assert.match(site.eventsOf("local-order")[0]?.text ?? "", /anna stopped all/);
  });

  it("does not lift another trip when it is released", () => {
    const { site, ask } = start();
    ask({ kind: "stop", asset: "all", ...BY });
    pressEmergencyStop(site.units[0]!, true);
    site.run(200);
    ask({ kind: "release", asset: "all", ...BY });
    assert.equal(site.last!.status.units[0]?.mode, "tripped");
  });

  it("is not known of machines other than batteries", () => {
    const { ask } = start();
    assert.equal(ask({ kind: "stop", asset: "chiller-1", ...BY })?.reason, "no-stop");
  });
});

describe("local mode", () => {
  it("lets go what was asked from afar and takes nothing more, until it is ended here", () => {
    const { site, ask, setPower } = start();
    setPower(6 * MW);
    ask({ kind: "mode", mode: "local", ...BY });
    assert.deepEqual(site.last!.status.leases, []);
    assert.equal(site.steps.at(-1)?.reason, undefined);
    assert.equal(site.last!.status.authority.localBy, "person");
    assert.equal(setPower(1 * MW, "d").at(-1)?.reason, "local-mode");
    site.restartControl();
    site.run(500);
    assert.equal(site.last!.status.authority.isLocal, true, "after a restart as well");
    ask({ kind: "mode", mode: "remote", ...BY });
    assert.equal(setPower(1 * MW, "e").at(-1)?.stage, "done");
    assert.deepEqual(
      site.eventsOf("local-mode").map(({ phase }) => phase),
      ["raised", "raised", "cleared"],
    );
  });

  it("is what the selector says, and a selector that cannot be read says local", () => {
    const { state: pins } = unitPoints(1);
    const condition = { point: pins, when: { equals: 6 }, isActiveLow: false };
    const { site, ask, setPower } = start({ localSelector: { condition, maxAgeMs: 500 } });
    assert.equal(site.last!.status.authority.isLocal, false);
    site.units[1]!.isCut = true;
    site.run(1_000);
    assert.equal(site.last!.status.authority.localBy, "selector");
    assert.equal(ask({ kind: "mode", mode: "remote", ...BY })?.result, "done");
    assert.equal(setPower(1 * MW).at(-1)?.reason, "local-mode", "the selector is stronger");
    site.units[1]!.isCut = false;
    site.run(1_000);
    assert.equal(site.last!.status.authority.isLocal, false);
  });
});

describe("lockout", () => {
  function writesTo(site: PlantSite, asset: string, ms: number): number {
    let count = 0;
    const look: PlantSite["onCycle"][number] = ({ writes }) => {
      count += writes.filter((write) => write.asset === asset).length;
    };
    site.onCycle.push(look);
    site.run(ms);
    site.onCycle.splice(site.onCycle.indexOf(look), 1);
    return count;
  }

  it("lets nothing through to a battery, not even a stop, over a restart too", () => {
    const { site, ask, setPower } = start();
    setPower(6 * MW);
    assert.equal(ask({ kind: "lockout", asset: "bess-1", ...BY })?.reason, "stop-it-first");
    ask({ kind: "stop", asset: "bess-1", ...BY }, 500);
    assert.deepEqual(ask({ kind: "lockout", asset: "bess-1", ...BY })?.result, "done");
    assert.equal(writesTo(site, "bess-1", 5_000), 0);
    pressEmergencyStop(site.units[0]!, true);
    assert.equal(writesTo(site, "bess-1", 5_000), 0);
    site.restartControl();
    assert.equal(writesTo(site, "bess-1", 5_000), 0);
    assert.ok(writesTo(site, "bess-2", 5_000) > 0, "the other one is not locked");
  });

  it("is not begun before the stop is read back, and says so where nobody can see it", () => {
    const { site, ask, setPower } = start();
    setPower(6 * MW);
    site.units[0]!.ignores = true;
    ask({ kind: "stop", asset: "bess-1", ...BY }, 500);
    assert.equal(ask({ kind: "lockout", asset: "bess-1", ...BY })?.reason, "stop-not-confirmed");
    site.units[0]!.isCut = true;
    const { power, setpoint } = unitPoints(0);
    site.image.post(lostReading([power, setpoint], site.nowMs));
    site.run(50);
    assert.deepEqual(
      [ask({ kind: "lockout", asset: "bess-1", ...BY })].map((one) => [one?.result, one?.reason]),
      [["done", "not-confirmed"]],
    );
  });

  it("is lifted by the name that set it, and by no other", () => {
    const { ask } = start();
    assert.equal(ask({ kind: "lockout", asset: "chiller-1", by: "" })?.reason, "name-needed");
    assert.equal(ask({ kind: "lockout", asset: "chiller-1", ...BY })?.result, "done");
    const other = { kind: "unlock", asset: "chiller-1", by: "bert" } as const;
    assert.equal(ask(other)?.reason, "locked-out-by anna");
    assert.equal(ask({ ...other, kind: "lockout" })?.reason, "locked-out-by anna");
    assert.equal(ask({ ...other, ...BY })?.result, "done");
    assert.equal(ask({ ...other, ...BY })?.reason, "not-locked-out");
  });

  it("closes the envelope of every other asset as well", () => {
    const { site, ask } = start();
    const judged = () =>
      judgeWrite(
        site.control.envelope,
        { point: CHILLER_SUPPLY, value: 17, isProtective: true },
        site.image.view,
        monotonicMs(site.nowMs),
      ).result;
    assert.equal(judged(), "allowed");
    ask({ kind: "lockout", asset: "chiller-1", ...BY });
    assert.equal(judged(), "refused");
    ask({ kind: "unlock", asset: "chiller-1", ...BY });
    assert.equal(judged(), "allowed");
  });

  it("is assumed everywhere when it cannot be read whether there was one", () => {
    const { plan } = start().site;
    const state: ControlState = createControl(plan, {
      now: monotonicMs(0),
      utc: utcMs(0),
      latches: "unreadable",
    });
    assert.ok(state.authority.isLocalAsked);
    assert.deepEqual(
      state.authority.lockouts.map(({ asset, by }) => [asset, by]),
      plan.assets.map((asset) => [asset, UNREADABLE]),
    );
  });
});

describe("another writer", () => {
  it("has the battery left to it within 3 s, and is not fought, until a person releases it", () => {
    const { site, ask, setPower, watchSteps } = start();
    setPower(6 * MW);
    site.run(2_000);
    const since = site.nowMs;
    const unit = site.units[0]!;
    unit.setpointW = 2 * MW;
    unit.queue.push({ at: site.nowMs, valueW: 2 * MW });
    unit.writtenAt = Infinity;
    site.run(3_000);
    const [told] = site.eventsOf("second-writer");
    assert.ok(told !== undefined && told.at - since <= Date.UTC(2026, 0, 1) + 3_000);
    assert.equal(site.last!.status.units[0]?.mode, "yielded");
    site.run(5_000);
    assert.equal(unit.setpointW, 2 * MW, "nobody wrote over it");
    const worst = watchSteps();
    unit.writtenAt = site.nowMs;
    ask({ kind: "release", asset: "bess-1", ...BY });
    site.run(1_000);
    assert.equal(modesOf(site)[0], "ready");
    assert.ok(worst.stepW <= 0.1 * MW, `${worst.stepW} W in a cycle`);
  });

  it("is known by a value outside of all that was sent only when that stays", () => {
    for (const [forMs, mode] of [
      [600, "ready"],
      [2_000, "yielded"],
    ] as const) {
      const { site, setPower } = start();
      setPower(2 * MW);
      site.command({ id: "up", action: { kind: "set-power", powerW: 20 * MW, rampWPerS: MW } });
      site.run(1_000);
      site.units[0]!.ignores = true;
      site.units[0]!.setpointW = 11 * MW;
      site.run(forMs);
      site.units[0]!.ignores = false;
      site.run(500);
      assert.equal(modesOf(site)[0], mode, `${forMs} ms`);
      const end = site.steps.findLast(({ commandId }) => commandId === "up")?.reason;
      assert.equal(end, mode === "yielded" ? "another-writer" : undefined);
    }
  });

  it("is not a device that gives less than it is asked for, nor one that went back to zero", () => {
    for (const shownW of [4 * MW, 0]) {
      const { site, setPower } = start();
      setPower(6 * MW);
      site.command({ id: "more", action: { kind: "set-power", powerW: 12 * MW, rampWPerS: MW } });
      site.onCycle.push(() => {
        site.units[0]!.setpointW = Math.min(site.units[0]!.setpointW, shownW);
      });
      site.run(3_000);
      assert.deepEqual(site.eventsOf("second-writer"), [], `${shownW} W`);
    }
  });
});
