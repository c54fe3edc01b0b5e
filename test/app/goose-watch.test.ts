import { strict as assert } from "node:assert";
import { ControlHost } from "../../src/app/control-host.ts";
import { controlPlan } from "../../src/app/control-settings.ts";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { watchedPublishers } from "../../src/app/goose-plan.ts";
import { ALIVE_MS } from "../../src/app/goose-report.ts";
import { BACK_MS, GONE_MS, GooseWatch } from "../../src/app/goose-watch.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { parseSite, requireSite } from "../../src/config/load.ts";
import type { ControlStatus, ControlWrite, LocalOrder } from "../../src/control/exchange.ts";
import type { ControlPlan, TripRule } from "../../src/control/plan.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { pointIndex, type PointTable } from "../../src/domain/point.ts";
import { createLogger } from "../../src/platform/log.ts";
import type { LatchRecord } from "../../src/platform/latch-files.ts";
import { PointImage } from "../../src/points/image.ts";
import { QualityOverrides } from "../../src/points/quality-overrides.ts";
import {
  METER,
  MW,
  pointCountOf,
  STATE_RUNNING,
  testPlan,
  unitPoints,
} from "../support/plant-plan.ts";
import { readingOf } from "../support/plant-reading.ts";
import { SimClock } from "../support/sim-clock.ts";

const RESET: LocalOrder = { kind: "reset", trip: "all", by: "anna" };
const CYCLE_MS = 50;
const FIRST_WORD_MS = 3_000;
/** Of this long nothing is settled any more. */
const CALM_MS = 500;

type OnLoss = "alarm" | "safe-state";

const FIRST_GOOSE = pointCountOf(2);
/** The first stops one unit, the second both. */
const PUBLISHERS = ["relay-1", "relay-2"].map((name, place) => ({
  name,
  demands: pointIndex(FIRST_GOOSE + 2 * place),
  lost: pointIndex(FIRST_GOOSE + 2 * place + 1),
}));

function planWith(onLoss: OnLoss): ControlPlan {
  const plan = testPlan({ withFeeders: false });
  const trips = PUBLISHERS.flatMap(({ name, demands, lost }, place): TripRule[] => {
    const rule = { device: name, pointName: "", text: name, units: place === 0 ? [0] : [0, 1] };
    const at = (point: typeof lost) => ({ point, when: { equals: 1 }, isActiveLow: false });
    const demand = { ...rule, id: "goose-safe-state", condition: at(demands) };
    const loss = { ...rule, id: "goose-loss-stop", condition: at(lost) };
    return place === 0 && onLoss === "safe-state" ? [demand, loss] : [demand];
  });
  return { ...plan, trips };
}

interface Told {
  readonly name?: string;
  readonly quality?: "good" | "bad";
  readonly fault?: string;
  readonly safeStateDemandedBy?: readonly string[];
}

function report(told: Told = {}): object {
  return { name: "relay-1", quality: "good", safeStateDemandedBy: [], values: [], ...told };
}

function lineOf(message: object): string {
  return JSON.stringify(message);
}

const ALIVE = lineOf({ kind: "alive", counters: {} });
const CALM = lineOf({ kind: "states", reports: [report(), report({ name: "relay-2" })] });

/** Control with two running batteries, and gateway-goose as it would talk to it. */
class Bench {
  readonly clock = new SimClock();
  readonly events: PlantEvent[] = [];
  readonly demands: (readonly string[])[] = [];
  readonly writes: ControlWrite[] = [];
  readonly watch: GooseWatch;
  isAlive = true;
  saved: LatchRecord = { state: "absent" };
  readonly #plan: ControlPlan;
  #image = new PointImage(FIRST_GOOSE + 4);
  #host: ControlHost;
  #sinceAliveMs = 0;

  /** After some cycles in which nothing was demanded. */
  static async open(onLoss: OnLoss = "alarm"): Promise<Bench> {
    const bench = new Bench(onLoss);
    bench.say(CALM);
    await bench.run(CALM_MS);
    assert.deepEqual(bench.modes, ["ready", "ready"]);
    return bench;
  }

  constructor(onLoss: OnLoss) {
    this.#plan = planWith(onLoss);
    this.watch = new GooseWatch({
      publishers: PUBLISHERS,
      firstWordMs: FIRST_WORD_MS,
      clock: this.clock,
      onEvent: (event) => this.events.push(event),
      onDemand: (publisher, rules) => this.demands.push([publisher, ...rules]),
    });
    this.#host = this.#started();
  }

  restart(): void {
    this.#image = new PointImage(FIRST_GOOSE + 4);
    this.#host = this.#started();
  }

  #started(): ControlHost {
    const { clock, events } = this;
    return new ControlHost({
      plan: this.#plan,
      clock,
      goose: this.watch,
      image: this.#image,
      dispatch: {
        replaced: 0,
        letGo: () => undefined,
        send: (writes) => this.writes.push(...writes),
        sendDirect: async () => Promise.reject(new Error("nobody writes directly")),
      },
      overrides: new QualityOverrides([]),
      latches: {
        save: async (content) => {
          this.saved = { state: "valid", content, other: "absent" };
          return Promise.resolve();
        },
      },
      latchRecord: this.saved,
      table: { devices: [], points: [] } as unknown as PointTable,
      onEvent: (event) => events.push(event),
      onStep: () => undefined,
      log: createLogger("test", "silent"),
      signal: new AbortController().signal,
    });
  }

  say(line: string): boolean {
    return this.watch.take(line);
  }

  change(told: Told): void {
    assert.equal(this.say(lineOf({ kind: "change", report: report(told) })), true);
  }

  /** Lets time pass, with the signs of life. */
  async run(ms: number): Promise<void> {
    for (let leftMs = ms; leftMs > 0; leftMs -= CYCLE_MS) {
      this.#sinceAliveMs += CYCLE_MS;
      if (this.isAlive && this.#sinceAliveMs >= ALIVE_MS) {
        this.say(ALIVE);
        this.#sinceAliveMs = 0;
      }
      await this.clock.advance(CYCLE_MS);
      this.#image.post(readingOf(this.#plant, { at: this.clock.now() }));
      this.#host.cycle(this.clock.now());
    }
  }

  /** The units show what was last asked of them. */
  get #plant(): Readonly<Record<number, number>> {
    const values: Record<number, number> = { [METER]: 20 * MW };
    for (const place of [0, 1]) {
      const { power, setpoint, soc, state, alarms } = unitPoints(place);
      const asked = this.writes.findLast(({ point }) => point === setpoint)?.value ?? 0;
      Object.assign(values, { [power]: asked, [setpoint]: asked, [soc]: 60 });
      Object.assign(values, { [state]: STATE_RUNNING, [alarms]: 0 });
    }
    return values;
  }

  get #status(): ControlStatus {
    return (this.#host.status() as { readonly control: ControlStatus }).control;
  }

  get modes(): readonly string[] {
    return this.#status.units.map(({ mode }) => mode);
  }

  get trips(): readonly (readonly [string, string, boolean])[] {
    return this.#status.trips.map(({ id, device, isFirstOut }) => [id, device, isFirstOut]);
  }

  /** Assets that were told to stop. */
  get stopped(): readonly string[] {
    const stops = this.writes.filter(({ isProtective }) => isProtective);
    return [...new Set(stops.map(({ asset }) => asset))];
  }

  told(id: string, device = "relay-1"): readonly PlantEvent[] {
    return this.events.filter((event) => event.id === id && event.device === device);
  }

  phasesOf(id: string, device = "relay-1"): readonly string[] {
    return this.told(id, device).map(({ phase }) => phase);
  }

  async reset(): Promise<string | undefined> {
    const answer = this.#host.order(RESET);
    await this.run(CYCLE_MS);
    const { result, reason } = await answer;
    return reason ?? result;
  }
}

describe("GOOSE in control", () => {
  it("changes nothing while nothing is demanded", async () => {
    const bench = await Bench.open("safe-state");
    await bench.run(5_000);
    assert.deepEqual([bench.trips, bench.stopped, bench.events], [[], [], []]);
    assert.deepEqual(bench.modes, ["ready", "ready"]);
  });

  it("trips the units that it names in the next cycle, first-out first, and only those", async () => {
    const bench = await Bench.open();
    bench.change({ safeStateDemandedBy: ["breaker-open"] });
    await bench.run(CYCLE_MS);
    assert.deepEqual(bench.trips, [["goose-safe-state", "relay-1", true]]);
    assert.deepEqual(bench.modes, ["tripped", "ready"]);
    assert.deepEqual(bench.stopped, ["bess-1"]);
    assert.deepEqual(bench.demands, [["relay-1", "breaker-open"]]);
    bench.change({ name: "relay-2", safeStateDemandedBy: ["trip"] });
    await bench.run(CYCLE_MS);
    assert.deepEqual(bench.trips.at(-1), ["goose-safe-state", "relay-2", false]);
    assert.deepEqual(bench.modes, ["tripped", "tripped"]);
    assert.deepEqual(bench.stopped, ["bess-1", "bess-2"]);
  });

  it("keeps the trip when the demand is over, until a person resets it", async () => {
    const bench = await Bench.open();
    bench.change({ safeStateDemandedBy: ["trip"] });
    await bench.run(CALM_MS);
    assert.equal(await bench.reset(), "cause-present");
    bench.change({});
    await bench.run(10_000);
    assert.deepEqual(bench.modes, ["tripped", "ready"]);
    assert.equal(await bench.reset(), "done");
    assert.deepEqual(bench.trips, []);
    await bench.run(1_000);
    assert.deepEqual(bench.modes, ["ready", "ready"]);
  });

  it("is not missed when the demand is shorter than a cycle", async () => {
    const bench = await Bench.open();
    bench.change({ safeStateDemandedBy: ["trip"] });
    bench.change({});
    await bench.run(2 * CYCLE_MS);
    assert.deepEqual(bench.trips, [["goose-safe-state", "relay-1", true]]);
  });

  it("is heeded from a publisher whose values are bad", async () => {
    const bench = await Bench.open();
    bench.change({ quality: "bad", fault: "expired", safeStateDemandedBy: ["trip"] });
    await bench.run(CYCLE_MS);
    assert.deepEqual(bench.trips, [["goose-safe-state", "relay-1", true]]);
  });

  it("cannot lift a trip by rubbish, by silence, by another name or by a new connection", async () => {
    const bench = await Bench.open();
    const { counters } = bench.watch;
    bench.change({ safeStateDemandedBy: ["trip"] });
    await bench.run(CALM_MS);
    const rubbish = [
      "",
      "null",
      "{",
      "[]",
      '{"kind":"reset","trip":"all"}',
      '{"kind":"change"}',
      lineOf({ kind: "change", report: { ...report(), quality: "fine" } }),
      lineOf({ kind: "change", report: { name: "relay-1", quality: "good" } }),
      lineOf({ kind: "change", report: { ...report(), safeStateDemandedBy: [1] } }),
      lineOf({ kind: "change", report: { ...report(), safeStateDemandedBy: "none" } }),
      lineOf({ kind: "change", report: { ...report(), fault: 7 } }),
      lineOf({ kind: "states", reports: [report(), {}] }),
      lineOf({ kind: "states", reports: { name: "relay-1" } }),
    ];
    for (const line of rubbish) assert.equal(bench.say(line), false, line);
    assert.equal(counters.malformed, rubbish.length);
    assert.equal(bench.watch.figures()["x-goose-malformed"], rubbish.length);
    await bench.run(CALM_MS);
    assert.equal(await bench.reset(), "cause-present", "none of it was taken for a state");
    bench.change({ name: "relay-9" });
    assert.equal(counters.strays, 1);
    bench.isAlive = false;
    await bench.run(GONE_MS + CALM_MS);
    assert.equal(await bench.reset(), "cause-unknown", "a cause that nobody sees is not gone");
    bench.isAlive = true;
    bench.say(CALM);
    await bench.run(3_000);
    assert.deepEqual(bench.modes, ["tripped", "ready"]);
  });

  it("keeps the trip over a restart of control", async () => {
    const bench = await Bench.open();
    bench.change({ safeStateDemandedBy: ["trip"] });
    await bench.run(CALM_MS);
    bench.restart();
    bench.say(CALM);
    await bench.run(3_000);
    assert.deepEqual(bench.trips, [["goose-safe-state", "relay-1", true]]);
    assert.deepEqual(bench.modes, ["tripped", "ready"]);
  });

  it("is told as lost, with bad quality, when the publisher is, and the plant goes on", async () => {
    const bench = await Bench.open();
    bench.change({ quality: "bad", fault: "expired" });
    await bench.run(CYCLE_MS);
    const [told] = bench.told("goose-lost");
    assert.deepEqual([told?.phase, told?.severity], ["raised", "critical"]);
    assert.match(told?.text ?? "", /relay-1 .*expired/);
    const figures = bench.watch.figures();
    assert.equal(figures["x-goose-demands.relay-1"], undefined);
    assert.deepEqual(
      [1, 2].map((n) => figures[`x-goose-lost.relay-${n}`]),
      [1, 0],
    );
    assert.deepEqual([bench.trips, bench.modes], [[], ["ready", "ready"]]);
    bench.change({});
    await bench.run(BACK_MS + 2 * CYCLE_MS);
    assert.deepEqual(bench.phasesOf("goose-lost"), ["raised", "cleared"]);
    assert.equal(bench.watch.figures()["x-goose-demands.relay-1"], 0);
  });

  it("is lost after three missing signs of life of gateway-goose, and not before", async () => {
    const bench = await Bench.open();
    bench.say(ALIVE);
    bench.isAlive = false;
    await bench.run(GONE_MS - CYCLE_MS);
    assert.deepEqual(bench.phasesOf("goose-lost"), []);
    await bench.run(CYCLE_MS);
    for (const name of ["relay-1", "relay-2"])
      assert.deepEqual(bench.phasesOf("goose-lost", name), ["raised"]);
    assert.match(bench.told("goose-lost")[0]?.text ?? "", /does not answer/);
    assert.equal(GONE_MS, 3 * ALIVE_MS);
  });

  it("stops the units at a loss where the site wants it, latched", async () => {
    const bench = await Bench.open("safe-state");
    bench.isAlive = false;
    await bench.run(GONE_MS + CALM_MS);
    assert.deepEqual(bench.trips, [["goose-loss-stop", "relay-1", true]]);
    assert.deepEqual(bench.modes, ["tripped", "ready"], "relay-2 is an alarm only");
    assert.deepEqual(bench.stopped, ["bess-1"]);
    assert.equal(await bench.reset(), "cause-present");
    bench.isAlive = true;
    bench.say(CALM);
    await bench.run(3_000);
    assert.deepEqual(bench.modes, ["tripped", "ready"]);
    assert.equal(await bench.reset(), "done");
  });

  it("stops them also when the publisher was lost for less than a cycle", async () => {
    const bench = await Bench.open("safe-state");
    bench.change({ quality: "bad", fault: "expired" });
    bench.change({});
    await bench.run(CYCLE_MS);
    assert.deepEqual(bench.trips, [["goose-loss-stop", "relay-1", true]]);
  });

  it("counts what gateway-goose does not follow as lost", async () => {
    const bench = await Bench.open("safe-state");
    bench.say(lineOf({ kind: "states", reports: [report({ name: "relay-2" })] }));
    await bench.run(CYCLE_MS);
    assert.deepEqual(bench.trips, [["goose-loss-stop", "relay-1", true]]);
    assert.match(bench.told("goose-lost")[0]?.text ?? "", /not-followed/);
  });

  it("is waited for at the start, as long as the site says, and lost then", async () => {
    const bench = new Bench("safe-state");
    bench.say(lineOf({ kind: "states", reports: [report({ quality: "bad", fault: "silent" })] }));
    await bench.run(FIRST_WORD_MS - CYCLE_MS);
    assert.deepEqual([bench.trips, bench.events], [[], []]);
    assert.equal(bench.watch.figures()["x-goose-demands.relay-1"], undefined);
    await bench.run(CYCLE_MS);
    assert.deepEqual(bench.trips, [["goose-loss-stop", "relay-1", true]]);
  });

  it("tells a publisher that comes and goes once", async () => {
    const bench = await Bench.open();
    for (let times = 0; times < 20; times += 1) {
      bench.change({ quality: "bad", fault: "expired" });
      await bench.run(200);
      bench.change({});
      await bench.run(200);
    }
    assert.deepEqual(bench.phasesOf("goose-lost"), ["raised"]);
  });
});

describe("GOOSE in the site file", function () {
  this.timeout(20_000);
  const demo = demoSiteText({
    basePort: 15_020,
    mqttPort: 18_830,
    directory: "data",
    runtimeDirectory: "run",
  });
  const text = demo.replace(
    "  batteries:\n",
    `  goose:
    subscriptions:
      - { name: relay-1, stops: [bess-2], onLoss: safe-state }
      - { name: relay-2, stops: [battery] }
  batteries:
`,
  );

  it("becomes trips of the units that it names, and nothing else", () => {
    const context = contextOf(requireSite(text, "/etc/site.yaml"), "/etc/site.yaml");
    const before = controlPlan(contextOf(requireSite(demo, "/etc/site.yaml"), "/etc/site.yaml"));
    const plan = controlPlan(context);
    const nameOf = (point: number) => context.table.points[point]?.id;
    assert.deepEqual(
      plan?.trips
        .slice(before?.trips.length)
        .map(({ id, device, units, condition }) => [id, device, units, nameOf(condition.point)]),
      [
        ["goose-safe-state", "relay-1", [1], "gateway-control/x-goose-demands.relay-1"],
        ["goose-loss-stop", "relay-1", [1], "gateway-control/x-goose-lost.relay-1"],
        ["goose-safe-state", "relay-2", [0, 1], "gateway-control/x-goose-demands.relay-2"],
      ],
    );
    assert.deepEqual({ ...plan, trips: [] }, { ...before, trips: [] });
  });

  it("is told under the names that the point table has", () => {
    const context = contextOf(requireSite(text, "/etc/site.yaml"), "/etc/site.yaml");
    const watch = new GooseWatch({
      publishers: watchedPublishers(context) ?? [],
      firstWordMs: FIRST_WORD_MS,
      clock: new SimClock(),
      onEvent: () => undefined,
      onDemand: () => undefined,
    });
    const names = context.table.points
      .filter(({ name }) => name.startsWith("x-goose"))
      .map(({ name }) => name);
    assert.equal(names.length, 5);
    assert.deepEqual(Object.keys(watch.figures()).toSorted(), names.toSorted());
  });

  function problemsOf(change: (whole: string) => string): string {
    const parsed = parseSite(change(text));
    return "site" in parsed ? "" : JSON.stringify(parsed);
  }

  it("is refused for what is no battery, for a name twice, and for another wish than the two", () => {
    assert.equal(
      problemsOf((whole) => whole),
      "",
    );
    assert.match(
      problemsOf((whole) => whole.replace("[bess-2]", "[pump]")),
      /no battery or unit/,
    );
    assert.match(
      problemsOf((whole) => whole.replace("relay-2", "relay-1")),
      /named twice/,
    );
    assert.match(
      problemsOf((whole) => whole.replace("safe-state", "start")),
      /onLoss/,
    );
  });
});
