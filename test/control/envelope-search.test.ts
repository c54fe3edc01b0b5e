import { strict as assert } from "node:assert";
import { OPEN } from "../../src/control/envelope.ts";
import type { ControlPlan, EnvelopeEntry } from "../../src/control/plan.ts";
import { MW } from "../support/plant-plan.ts";
import {
  EnvelopeWorld,
  PUMP_A,
  type Sabotage,
  searchedPlan,
  SEQUENCES_PER_WORLD,
  STATUS,
  type WorldOptions,
} from "./support/envelope-world.ts";

/**
 * A sequence is some cycles, 1 or 2 or 60, with commands for the cycle and for the direct lane,
 * orders at the box, faults of readings and writes, and a kill −9 behind every third. What one
 * leaves at the devices and on the disk is what the next one finds.
 */
const SEQUENCES = Number(process.env["SEARCH_SEQUENCES"] ?? 100_000);
/** A guard that is off is found within so many worlds, or the search is no search. */
const WORLDS_TO_FIND = 400;
const pinned = process.env["SIM_SEED"];

function search(options: Omit<WorldOptions, "seed">, worlds: number, first = 1) {
  const hits = new Map<string, number>();
  let sequences = 0;
  let judged = 0;
  let protective = 0;
  for (let seed = first; seed < first + worlds; seed += 1) {
    const world = new EnvelopeWorld({ ...options, seed });
    world.run();
    sequences += world.sequences;
    judged += world.oracle.judged;
    protective += world.oracle.protective;
    for (const [what, count] of world.hits) hits.set(what, (hits.get(what) ?? 0) + count);
    const { escapes } = world.oracle;
    if (escapes.length > 0) return { escapes, sequences, judged, protective, hits };
  }
  return { escapes: [], sequences, judged, protective, hits };
}

/** The plan with some entries of its envelope changed: the guard that they stand for is off. */
function without(
  isMeant: (entry: EnvelopeEntry) => boolean,
  change: Partial<EnvelopeEntry>,
): ControlPlan {
  const plan = searchedPlan();
  const envelope = plan.envelope.map((entry) => (isMeant(entry) ? { ...entry, ...change } : entry));
  return { ...plan, envelope };
}

const isOf =
  (asset: string, pointName: string) =>
  (entry: EnvelopeEntry): boolean =>
    entry.asset === asset && entry.pointName === pointName;
const isSetpoint = (entry: EnvelopeEntry): boolean => entry.pointName === "active-power-setpoint";
const isPump = ({ asset }: EnvelopeEntry): boolean => asset.startsWith("pump-");

function withStatus(): ControlPlan {
  const plan = searchedPlan();
  const [, , ...rest] = plan.envelope;
  const fan = rest.find(({ asset }) => asset === "fan-1");
  assert.ok(fan !== undefined);
  const entry = { ...fan, pointName: "status", point: STATUS, min: 0, max: 1, rampPerS: undefined };
  return { ...plan, envelope: [...plan.envelope, entry] };
}

/** Trips that do not see their cause: the E-stop's bit is looked for where it never is. */
function withoutTrips(): ControlPlan {
  const plan = searchedPlan();
  const trips = plan.trips.map((rule) => ({
    ...rule,
    condition: { ...rule.condition, when: { bit: 40 } },
  }));
  return { ...plan, trips };
}

/** The units believe in more than the envelope allows: then it is the envelope that holds them. */
function beyondRating(plan: ControlPlan): ControlPlan {
  const ratings = { dischargeRatingW: 20 * MW, chargeRatingW: 20 * MW };
  return { ...plan, units: plan.units.map((unit) => ({ ...unit, ...ratings })) };
}

/** What was written to the pumps is not remembered; only readings count. */
const forgetPumps: Sabotage = ({ envelope }) => {
  for (const [place, { asset }] of envelope.entries.entries())
    if (asset.startsWith("pump-")) envelope.lastValues[place] = Number.NaN;
};

const FREE: Partial<EnvelopeEntry> = { rampPerS: undefined };

const WHAT_HAPPENS = [
  "cyclic-command",
  "cyclic-write",
  "direct-command",
  "direct-write",
  "reset",
  "hold",
  "stop",
  "release",
  "lockout",
  "unlock",
  "mode",
  "kill",
  "estop",
  "interlock",
  "reading-lost",
  "reading-bad",
  "reading-late-or-stuck",
  "latches-unreadable",
];

const mutants: readonly (readonly [guard: string, off: Omit<WorldOptions, "seed">])[] = [
  ["minimum", { plan: without(isOf("chiller-1", "supply-temperature-setpoint"), { min: 0 }) }],
  ["maximum", { plan: without(isOf("fan-1", "fan-speed-setpoint"), { max: 200, rampPerS: 1e9 }) }],
  [
    "range of the batteries",
    { plan: beyondRating(without(isSetpoint, { max: 20 * MW, rampPerS: 400 * MW })) },
  ],
  ["rate of the batteries", { plan: without(isSetpoint, { rampPerS: undefined }) }],
  ["rate where it refuses", { plan: without(isOf("fan-1", "fan-speed-setpoint"), FREE) }],
  ["rate where it clamps", { plan: without(isPump, FREE) }],
  [
    "interval",
    { plan: without(isOf("chiller-1", "supply-temperature-setpoint"), { minimumIntervalMs: 0 }) },
  ],
  [
    "interlock",
    { plan: without(isOf("chiller-1", "supply-temperature-setpoint"), { interlocks: [] }) },
  ],
  ["interlock of a cyclic setpoint", { plan: without(isSetpoint, { interlocks: [] }) }],
  ["exclusion", { plan: without(isPump, { excludes: undefined }) }],
  [
    "exclusion, one way round",
    { plan: without(({ point }) => point === PUMP_A, { excludes: undefined }) },
  ],
  ["what is under way counts as in force", { sabotage: forgetPumps }],
  ["read only", { plan: withStatus() }],
  ["lockout", { sabotage: ({ envelope }) => envelope.locks.fill(OPEN) }],
  ["trip", { plan: withoutTrips() }],
  [
    "a stopped unit is left to protection",
    { sabotage: ({ envelope }) => envelope.inhibits.fill(0) },
  ],
];

describe("search for a way around the envelope", function () {
  this.timeout(600_000);

  it(`finds none in ${SEQUENCES} sequences of commands, orders, faults and restarts`, () => {
    const worlds = pinned === undefined ? Math.ceil(SEQUENCES / SEQUENCES_PER_WORLD) : 1;
    const found = search({}, worlds, Number(pinned ?? 1));
    assert.deepEqual(found.escapes.slice(0, 5), []);
    if (pinned !== undefined) return;
    assert.ok(found.sequences >= SEQUENCES, `${found.sequences} sequences`);
    assert.ok(found.judged > 2 * SEQUENCES, `${found.judged} writes were judged`);
    assert.ok(found.protective > SEQUENCES / 10, `${found.protective} of protection`);
    for (const what of WHAT_HAPPENS) assert.ok((found.hits.get(what) ?? 0) > 50, `no ${what}`);
  });

  for (const [guard, off] of mutants)
    it(`finds a way when a guard is off: ${guard}`, () => {
      const { escapes, sequences } = search(off, WORLDS_TO_FIND);
      assert.ok(escapes.length > 0, `nothing in ${sequences} sequences`);
    });
});
