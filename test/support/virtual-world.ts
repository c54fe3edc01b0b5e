import type { SiteContext } from "../../src/app/site-context.ts";
import type { LocalOrder } from "../../src/control/exchange.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import type { Fault } from "../../src/simulator/faults.ts";
import type { LoadMode } from "../../src/simulator/physics/plant-model.ts";
import { seeded } from "./plant-random.ts";
import { MW, Oracle, type SiteLimits, type Truth } from "./virtual-oracle.ts";
import { VirtualSite } from "./virtual-site.ts";
import { type Trouble, TROUBLE_KINDS } from "./virtual-wire.ts";

export const UNITS = ["bess-1", "bess-2"] as const;
const METERS = ["pcc-meter", "m-train", "m-ups", "m-mech"] as const;
const DEVICES = [...METERS, ...UNITS];
/** Those whose events do not end with control. */
const FIELD_DEVICES: ReadonlySet<string | undefined> = new Set(["m-ups", "m-mech"]);

/**
 * Faster than a real site's, so that seconds show the end of a ramp. With smoothing a tenth of it:
 * a reference that moves as fast as the load swings is none.
 */
const RAMP_W_PER_S = { "peak-cap": 2 * MW, smoothing: 0.2 * MW } as const;
const CAP_W = 20 * MW;
const IMPORT_LIMIT_W = 28 * MW;
const STEP_S = 0.05;
/** Near its reserve a battery has reason to say so. */
const NEAR_RESERVE = 0.33;
/** A rest lasts up to a minute, of smoothing or of a unit that has not followed, and says so. */
const RESTING: ReadonlySet<string> = new Set(["smoothing-rests", "unit-does-not-follow"]);
const OF_RESERVE: ReadonlySet<string> = new Set(["reserve-reached", "ramp-breach"]);
/** A reference that was found above the limit comes down at the ramp; until then it is touched. */
const OF_LIMIT: ReadonlySet<string> = new Set(["import-limit-exceeded"]);
/** A converter's fault ends by itself so long after its cause. */
const REPAIR_S = 6;
/** In this time after the last fault and the resets everything is in force again. */
export const HEALS_WITHIN_S = 12;

/** SunSpec 715: AlarmReset, then OpCtl START. */
const RESET_AT_DEVICE = [
  { address: 40_405, value: 1 },
  { address: 40_406, value: 1 },
] as const;

/** Commands of this priority or a higher one are the grid's: they go before the site's own cap. */
const INSTRUCTION_PRIORITY = 5;

export type ControlKind = "smoothing" | "peak-cap";

/** The electrical part of the demonstration. */
export function smallSite(text: string, control: ControlKind): string {
  const kept = /^(pcc-meter|m-train|m-ups|m-mech|bess-\d)$/;
  return text
    .split("\n")
    .filter((line) => {
      const named = /^ {2}- \{ (?:id|device): ([a-z0-9-]+),/.exec(line)?.[1];
      return named === undefined || kept.test(named);
    })
    .filter((line) => !/^ {2}(ups-\d|chiller-\d|heat|cdu-line-\w|env-line): /.test(line))
    .join("\n")
    .replace(/ramp(Up|Down)KwPerS: \d+/g, `ramp$1KwPerS: ${RAMP_W_PER_S[control] / 1_000}`);
}

export interface WorldOptions {
  readonly seed: number;
  readonly control: ControlKind;
  readonly context?: SiteContext;
  /** What the test switches off. */
  readonly plan?: (plan: ControlPlan) => ControlPlan;
  /** False: latches are not loaded at a restart. */
  readonly remembers?: boolean;
  /** Charge at the start, 0 to 1; undefined: the seed decides. */
  readonly soc?: number;
}

/** A site in which a seed decides what goes wrong and when. */
export class World {
  readonly site: VirtualSite;
  readonly oracle: Oracle;
  /** How often each kind of fault really hit something. */
  readonly hits: Map<string, number>;
  /** What went wrong, and what people did, in words. */
  readonly story: string[] = [];
  readonly #random: () => number;
  readonly #remembers: boolean;
  readonly #control: ControlKind;
  #storms: {
    readonly device: string;
    readonly part: number;
    readonly make: () => Trouble;
    readonly endsAt: number;
  }[] = [];
  #heals: { readonly at: number; readonly heal: () => Promise<void> }[] = [];
  readonly #faulty = new Map<string, number>();
  #firstEventOfControl = 0;
  #commands = 0;
  #waiting: Promise<void>[] = [];

  static async open(options: WorldOptions): Promise<World> {
    const { seed, control, plan, context } = options;
    const random = seeded(seed * 7_919 + 17);
    const hits = new Map<string, number>();
    // The site calls back before there is a world around it.
    const wire: { world?: World } = {};
    const load = pick<LoadMode>(random, ["full", "full", "mean", "low", "training-1hz"]);
    const soc = random() < 0.3 ? 0.3005 + 0.004 * random() : 0.625;
    const site = await VirtualSite.open({
      change: (text) => smallSite(text, control),
      control,
      seed,
      load,
      hasDisk: true,
      ratings: { bess: { socStart: options.soc ?? soc } },
      ...(context === undefined ? {} : { context }),
      ...(plan === undefined ? {} : { plan }),
      wire: {
        troubleOf: (device) => wire.world?.troubleOf(device),
        onRequest: (device, frame) => {
          wire.world?.oracle.reached(device, frame, site.clock.now());
        },
        onAnswer: (device, request, reply) => {
          wire.world?.oracle.answered(device, request, reply, site.clock.now());
        },
      },
    });
    const world = new World(site, { ...options, random, hits });
    wire.world = world;
    return world;
  }

  private constructor(
    site: VirtualSite,
    parts: WorldOptions & {
      readonly random: () => number;
      readonly hits: Map<string, number>;
    },
  ) {
    this.site = site;
    this.hits = parts.hits;
    this.#random = parts.random;
    this.#remembers = parts.remembers ?? true;
    this.#control = parts.control;
    const limits: SiteLimits = {
      isSmoothed: parts.control === "smoothing",
      capW: parts.control === "smoothing" ? IMPORT_LIMIT_W : CAP_W,
      rampWPerS: RAMP_W_PER_S[parts.control],
      ratingW: 12 * MW,
      reserve: 0.3,
    };
    this.oracle = new Oracle(
      limits,
      UNITS.map((id) => [id, site.plant.device(id)]),
    );
    this.oracle.controlBegins(site.clock.now(), () => []);
  }

  /** Lets time pass, looking at the plant all the while. */
  async run(seconds: number): Promise<void> {
    const until = this.site.nowS + seconds - STEP_S / 2;
    while (this.site.nowS < until) {
      await this.site.run(STEP_S);
      this.oracle.look(this.truth, this.site.clock.now());
    }
  }

  /** Lets time pass in which things go wrong. */
  async suffer(seconds: number): Promise<void> {
    const until = this.site.nowS + seconds;
    while (this.site.nowS < until) {
      if (this.#random() < 0.15) await this.#fault();
      if (this.#random() < 0.05) this.#command();
      await this.run(2 * STEP_S);
      const due = this.#heals.filter(({ at }) => at <= this.site.nowS);
      this.#heals = this.#heals.filter(({ at }) => at > this.site.nowS);
      for (const { heal } of due) await heal();
    }
  }

  /** Ends whatever is wrong, and does what a person would have to do then. */
  async heal(): Promise<void> {
    const { site } = this;
    this.#storms = [];
    for (const { heal } of this.#heals) await heal();
    this.#heals = [];
    for (const device of DEVICES) await site.plant.clear(device);
    site.disk.mood = "good";
    if (!site.isControlAlive) await this.#startControl();
    for (const unit of UNITS) site.plant.clearCause(unit);
    site.plant.load("full");
    await this.run(REPAIR_S);
    for (const unit of UNITS) this.#resetDevice(unit);
    await Promise.all(this.#waiting);
    for (const { asset, by } of site.status.authority.lockouts)
      await this.#order({ kind: "unlock", asset, by: by.startsWith("(") ? "seed" : by });
    await this.#order({ kind: "mode", mode: "remote", by: "seed" });
    await this.#order({ kind: "release", asset: "all", by: "seed" });
    await this.#order({ kind: "reset", trip: "all", by: "seed" });
    await this.#order({ kind: "reset", trip: "all", by: "seed" });
    site.command({ id: "heal-1", asset: "battery", action: { kind: "release" } });
    await this.run(HEALS_WITHIN_S);
  }

  /** A converter that stopped by itself, while nobody heard why, is reset by who stands there. */
  #resetDevice(unit: string): void {
    const device = this.site.plant.device(unit);
    if (this.site.status.trips.some((trip) => trip.device === unit)) return;
    if (this.truth.units[UNITS.findIndex((id) => id === unit)]?.isRunning === true) return;
    for (const { address, value } of RESET_AT_DEVICE)
      device.write(device.units[0] ?? 1, { table: "holding", address }, [value]);
  }

  async close(): Promise<void> {
    await this.site.close();
  }

  get truth(): Truth {
    const { gridW, bess } = this.site.plant.snapshot()!;
    return {
      gridW,
      units: bess.map(({ powerW, soc, state, isReverting }) => ({
        powerW,
        soc,
        isRunning: state === "running",
        isReverting,
      })),
    };
  }

  /** Alarms that were raised by what runs now, and are still up. */
  get standing(): readonly string[] {
    const up = new Set<string>();
    const isEmpty = this.truth.units.some(({ soc }) => soc < NEAR_RESERVE);
    const isAbove = (this.site.status.smoothing?.referenceW ?? 0) > IMPORT_LIMIT_W;
    for (const [at, event] of this.site.events.entries()) {
      const { id, device, phase } = event;
      if (at < this.#firstEventOfControl && !FIELD_DEVICES.has(device)) continue;
      // A trip is raised with the point that shows its cause, and cleared by a person.
      const key = `${id} ${device ?? ""}`;
      if (RESTING.has(id) || (isEmpty && OF_RESERVE.has(id))) continue;
      if (isAbove && OF_LIMIT.has(id)) continue;
      if (phase === "raised") up.add(key);
      if (phase === "cleared") up.delete(key);
    }
    return [...up];
  }

  troubleOf(device: string): Trouble | undefined {
    const now = this.site.nowS;
    const fault = this.site.plant.device(device).fault;
    if (fault !== undefined) {
      this.#hit(`device ${fault.kind}`);
      this.oracle.troubled(device, this.site.clock.now());
    }
    const storm = this.#storms.find((one) => one.device === device && one.endsAt > now);
    if (storm === undefined || this.#random() >= storm.part) return undefined;
    const trouble = storm.make();
    this.#hit(trouble.kind);
    this.oracle.troubled(device, this.site.clock.now());
    return trouble;
  }

  async #fault(): Promise<void> {
    const random = this.#random;
    const choice = random();
    if (choice < 0.5) this.#storm();
    else if (choice < 0.7) await this.#deviceFault();
    else if (choice < 0.76) this.#trip();
    else if (choice < 0.82) this.#stepUtc();
    else if (choice < 0.88) await this.#kill();
    else if (choice < 0.92) this.#spoilDisk();
    else if (choice < 0.96) this.#person();
    else this.#load();
  }

  #load(): void {
    const load = pick<LoadMode>(this.#random, ["full", "mean", "low", "training-1hz"]);
    this.#say(`the load is ${load}`);
    this.site.plant.load(load);
  }

  #storm(): void {
    const random = this.#random;
    const kind = pick(random, TROUBLE_KINDS);
    const make = (): Trouble => {
      if (kind === "late") return { kind, ms: 10 + 1_200 * random() ** 2 };
      if (kind === "wrong-length") return { kind, by: Math.floor(random() * 12) - 6 };
      if (kind === "exception") return { kind, code: 1 + Math.floor(random() * 6) };
      return { kind };
    };
    const storm = {
      device: pick(random, DEVICES),
      part: random() < 0.3 ? 1 : random(),
      make,
      endsAt: this.site.nowS + 0.05 + 3 * random() ** 2,
    };
    this.#storms.push(storm);
    this.#say(`${storm.device} ${kind} ×${storm.part.toFixed(2)} to ${storm.endsAt.toFixed(2)} s`);
  }

  async #deviceFault(): Promise<void> {
    const random = this.#random;
    const device = pick(random, DEVICES);
    if (this.#faulty.has(device)) return;
    const isUnit = device.startsWith("bess");
    const faults: readonly Fault[] = [
      { kind: "frozen" },
      { kind: "absent", points: ["active-power"] },
      { kind: "absent", points: undefined },
      { kind: "silent" },
      { kind: "reset" },
      { kind: "stopped" },
      { kind: "blackhole" },
      { kind: "slow", ms: 20 + 600 * random() },
      { kind: "exception", code: 4 },
      { kind: "reboot", downMs: 300 + 3_000 * random() },
      ...(isUnit ? [{ kind: "write-ignored" } as const, { kind: "frozen" } as const] : []),
    ];
    const fault = pick(random, faults);
    await this.site.plant.fault(device, fault);
    this.#say(`${device} ${JSON.stringify(fault)}`);
    this.#faulty.set(device, this.site.nowS);
    this.#healIn(0.1 + 5 * random() ** 2, async () => {
      this.#faulty.delete(device);
      this.#say(`${device} is well`);
      await this.site.plant.clear(device);
    });
  }

  #trip(): void {
    const unit = pick(this.#random, UNITS);
    const cause = pick(this.#random, ["emergency-stop", "emergency-stop", "fault"] as const);
    this.#hit(cause);
    this.#say(`${unit} trips: ${cause}`);
    this.site.plant.trip(unit, cause);
    this.#healIn(1 + 4 * this.#random(), async () => {
      this.#say(`the cause at ${unit} is gone`);
      this.site.plant.clearCause(unit);
      if (this.#random() < 0.5) return;
      await this.run(0.7);
      await this.#order({ kind: "reset", trip: "all", by: "seed" });
    });
  }

  #stepUtc(): void {
    this.#hit("utc-step");
    this.site.clock.stepUtc((this.#random() * 2 - 1) * 7_200_000);
  }

  async #kill(): Promise<void> {
    if (!this.site.isControlAlive) return;
    this.#hit("kill");
    this.#say("control is killed");
    await this.#stopControl();
    if (this.#random() < 0.1) {
      this.site.disk.damage();
      this.#say("the latches are damaged");
      this.#hit("latches-damaged");
    }
    this.#healIn(0.05 + 2.5 * this.#random() ** 2, async () => this.#startControl());
  }

  async #stopControl(): Promise<void> {
    this.oracle.controlEnds();
    const refused = this.site.disk.counts.torn;
    await this.site.killControl();
    if (this.site.disk.counts.torn > refused) this.#hit("save-cut-off");
    this.#waiting = [];
  }

  async #startControl(): Promise<void> {
    if (this.site.isControlAlive) return;
    const record = this.site.disk.load();
    this.#say(`control starts, latches ${record.state}`);
    const now = this.site.clock.now();
    this.#firstEventOfControl = this.site.events.length;
    this.oracle.controlBegins(now, (unit) => {
      if (record.state === "unreadable") return "unreadable";
      return record.state === "valid" ? latchesOf(record.content, unit) : [];
    });
    if (!this.#remembers) this.site.disk.forget();
    await this.site.startControl();
  }

  #spoilDisk(): void {
    this.site.disk.mood = this.#random() < 0.5 ? "full" : "failing";
    const before = this.site.disk.counts.refused;
    const { mood } = this.site.disk;
    this.#healIn(4 * this.#random(), async () => {
      this.site.disk.mood = "good";
      if (this.site.disk.counts.refused > before) this.#hit(`disk ${mood}`);
      return Promise.resolve();
    });
  }

  /** Somebody at the box; what they ask is taken back later. */
  #person(): void {
    if (!this.site.isControlAlive) return;
    const random = this.#random;
    const asset = pick(random, [...UNITS, "battery"]);
    const kind = pick(random, ["stop", "hold", "lockout", "mode"] as const);
    this.#hit(`person ${kind}`);
    const undo = async (order: LocalOrder): Promise<void> => {
      if (this.site.isControlAlive) await this.#order(order);
    };
    const by = "seed";
    if (kind === "mode") {
      void this.#order({ kind, mode: "local", by });
      this.#healIn(3 * random(), async () => undo({ kind, mode: "remote", by }));
    } else if (kind === "lockout") {
      const unit = pick(random, UNITS);
      void this.#order({ kind: "stop", asset: unit, by });
      this.#healIn(1, async () => undo({ kind: "lockout", asset: unit, by }));
      this.#healIn(1.5 + 4 * random(), async () => {
        await undo({ kind: "unlock", asset: unit, by });
        await undo({ kind: "release", asset: unit, by });
      });
    } else {
      void this.#order({ kind, asset, by });
      this.#healIn(4 * random(), async () => undo({ kind: "release", asset, by }));
    }
  }

  /** Asks at the box, and tells the oracle of what is done. */
  async #order(order: LocalOrder): Promise<void> {
    const { site, oracle } = this;
    if (!site.isControlAlive) return;
    const lets = order.kind === "reset" || order.kind === "release" || order.kind === "unlock";
    if (lets) oracle.asks();
    const asked = site.order(order).then((answer) => {
      this.#say(`${JSON.stringify(order)}: ${answer.result} ${answer.reason ?? ""}`);
      if (lets) oracle.answers();
      const asset = "asset" in order ? order.asset : "all";
      if (answer.result === "done" || order.kind === "reset")
        oracle.ordered(order.kind, asset, site.clock.now());
    });
    this.#waiting.push(asked);
    await this.run(2 * STEP_S);
  }

  #command(): void {
    if (!this.site.isControlAlive) return;
    const random = this.#random;
    this.#commands += 1;
    const leaseMs = 200 + 8_000 * random();
    // What is left of it when it ends has ramped away by the time that everything is healed.
    const mostW = RAMP_W_PER_S[this.#control] * (HEALS_WITHIN_S + 1);
    const powerW = (random() * 2 - 1) * mostW;
    this.#hit("command");
    this.#say(`c-${this.#commands}: ${Math.round(powerW)} W for ${Math.round(leaseMs)} ms`);
    const asset = pick(random, ["battery", ...UNITS]);
    const priority = 4 + Math.floor(random() * 4);
    this.site.command({
      id: `c-${this.#commands}`,
      asset,
      priority,
      leaseMs,
      action:
        random() < 0.15 ? { kind: "release" } : { kind: "set-power", powerW, rampWPerS: undefined },
    });
    // The way down from there takes its time at the ramp.
    const downMs = (24 * MW * 1_000) / RAMP_W_PER_S[this.#control];
    const endsAt = this.site.clock.now() + leaseMs;
    this.oracle.commanded(endsAt + downMs);
    if (priority <= INSTRUCTION_PRIORITY) this.oracle.commanded(endsAt, true);
  }

  #say(text: string): void {
    this.story.push(`${this.site.nowS.toFixed(2)} s: ${text}`);
  }

  #healIn(seconds: number, heal: () => Promise<void>): void {
    this.#heals.push({ at: this.site.nowS + seconds, heal });
  }

  #hit(kind: string): void {
    this.hits.set(kind, (this.hits.get(kind) ?? 0) + 1);
  }
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!;
}

/** By which causes a unit is stopped, by what is saved. */
function latchesOf(content: string, unit: string): readonly string[] {
  const { latches } = JSON.parse(content) as {
    readonly latches: readonly { readonly id: string; readonly assets: readonly string[] }[];
  };
  return latches.filter(({ assets }) => assets.includes(unit)).map(({ id }) => id);
}
