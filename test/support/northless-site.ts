import type { SiteContext } from "../../src/app/site-context.ts";
import type { ControlPlan } from "../../src/control/plan.ts";
import { type ControlKind, smallSite, UNITS } from "./virtual-world.ts";
import { MW, Oracle, type Truth } from "./virtual-oracle.ts";
import { VirtualSite } from "./virtual-site.ts";

/** The site's ramp, of all batteries together and of the reference alike. */
export const RAMP_W_PER_S = 50_000;
export const CAP_W = 20 * MW;
const IMPORT_LIMIT_W = 28 * MW;
const LOOK_S = 0.05;
/** Between two looks lie two cycles at most. */
const LOOK_STEP_W = 2 * LOOK_S * RAMP_W_PER_S;
/** Each of two setpoints is rounded to a kilowatt. */
const ROUNDING_W = 2_000;
const WINDOW = 1 / LOOK_S;
const WINDOW_STEP_W = RAMP_W_PER_S * (1 + LOOK_S);
/** A unit that is lost or comes back is no doing of control, and neither is the load at the cap. */
const DISTURBED_S = 5;
const REACHES_CAP_S = 10;

export interface NorthlessOptions {
  readonly control: ControlKind;
  readonly context?: SiteContext;
  /** What control is told that the ramp is, where that is not the truth. */
  readonly toldRampWPerS?: number;
  /** What the test switches off. */
  readonly plan?: (plan: ControlPlan) => ControlPlan;
}

export interface DischargeOrder {
  readonly id: string;
  readonly powerW: number;
  readonly leaseS: number;
  /** Second of the site at which it says that it was said; now unless given. */
  readonly saidAtS?: number;
}

/**
 * The electrical part of the demonstration with all of control, at the demonstration's own ramp.
 * Nobody north of control says anything unless the test does. Judged all the while by the oracle,
 * which knows only the bytes on the wire and the plant's truth, and by how far the batteries'
 * setpoint registers and the reference of the grid's power move from one look to the next.
 */
export class NorthlessSite {
  readonly site: VirtualSite;
  readonly oracle: Oracle;
  readonly control: ControlKind;
  /** What moved faster than the ramp, in words. */
  readonly steps: string[] = [];
  /** Looks that could have found a step: of the registers, of the reference. */
  readonly judged = { setpoints: 0, reference: 0 };
  looks = 0;
  /** Largest move from one look to the next that was judged, W. */
  readonly largestW = { setpoints: 0, reference: 0 };
  #sums: number[] = [];
  #referenceW = Number.NaN;
  #disturbedS = 0;
  #stoppedUnits = 0;
  #atCapS = -Infinity;

  static async open(options: NorthlessOptions): Promise<NorthlessSite> {
    const { control, context, plan, toldRampWPerS = RAMP_W_PER_S } = options;
    const watch: { oracle?: Oracle } = {};
    const rampKw = toldRampWPerS / 1_000;
    const site = await VirtualSite.open({
      change: (text) =>
        smallSite(text, control).replace(/ramp(Up|Down)KwPerS: \d+/g, `ramp$1KwPerS: ${rampKw}`),
      control,
      load: "low",
      hasDisk: true,
      ...(context === undefined ? {} : { context }),
      ...(plan === undefined ? {} : { plan }),
      wire: {
        troubleOf: (device) => {
          const isFaulty = site.plant.device(device).fault !== undefined;
          if (isFaulty) watch.oracle?.troubled(device, site.clock.now());
          return undefined;
        },
        onRequest: (device, frame) => watch.oracle?.reached(device, frame, site.clock.now()),
        onAnswer: (device, request, reply) =>
          watch.oracle?.answered(device, request, reply, site.clock.now()),
      },
    });
    const isSmoothed = control === "smoothing";
    const oracle = new Oracle(
      {
        isSmoothed,
        capW: isSmoothed ? IMPORT_LIMIT_W : CAP_W,
        rampWPerS: RAMP_W_PER_S,
        ratingW: 12 * MW,
        reserve: 0.3,
      },
      UNITS.map((id) => [id, site.plant.device(id)]),
    );
    oracle.controlBegins(site.clock.now(), () => []);
    watch.oracle = oracle;
    return new NorthlessSite(site, oracle, control);
  }

  private constructor(site: VirtualSite, oracle: Oracle, control: ControlKind) {
    this.site = site;
    this.oracle = oracle;
    this.control = control;
  }

  /** Lets time pass, looking all the while. */
  async run(seconds: number): Promise<void> {
    const until = this.site.nowS + seconds - LOOK_S / 2;
    while (this.site.nowS < until) {
      await this.site.run(LOOK_S);
      this.#look();
    }
  }

  /** Until a second of the site's time. */
  async until(second: number): Promise<void> {
    await this.run(second - this.site.nowS);
  }

  /** The north asks all batteries to discharge, and for how long. */
  async discharge(order: DischargeOrder): Promise<void> {
    const { id, powerW, leaseS, saidAtS = this.site.nowS } = order;
    // What was asked ramps away behind the end of its lease.
    const rampS = powerW / RAMP_W_PER_S;
    this.oracle.commanded(this.site.clock.now() + (leaseS + rampS) * 1_000);
    const agoMs = (this.site.nowS - saidAtS) * 1_000;
    await this.site.publish("cmd/battery/control", {
      PSWD_version: "1.0",
      command_id: id,
      timestamp: new Date(this.site.clock.utcNow() - agoMs).toISOString(),
      command_type: "discharge",
      target_power_mw: powerW / MW,
      duration_sec: leaseS,
    });
  }

  /** Somebody at the box resets every trip; the cycle that sees it answers. */
  async reset(): Promise<string> {
    const { site, oracle } = this;
    oracle.asks();
    const asked = site.order({ kind: "reset", trip: "all", by: "anna" }).then(({ result }) => {
      oracle.answers();
      oracle.ordered("reset", "all", site.clock.now());
      return result;
    });
    await this.run(4 * LOOK_S);
    return asked;
  }

  /** A setpoint as it lies in the registers of a battery, W. */
  setpointW(unit: (typeof UNITS)[number]): number {
    return this.site.plant.device(unit).readNumber("active-power-setpoint", Number.NaN);
  }

  get truth(): Truth {
    const snapshot = this.site.plant.snapshot()!;
    const units = snapshot.bess.map(({ powerW, soc, state, isReverting }) => ({
      powerW,
      soc,
      isRunning: state === "running",
      isReverting,
    }));
    return { gridW: snapshot.gridW, units };
  }

  /** How much of the time the ramp could be judged: the reference, or the registers. */
  get judgedPart(): number {
    return (this.judged.setpoints + this.judged.reference) / this.looks;
  }

  /** What was looked at, and what came of it, in a line. */
  get figures(): string {
    const { judged, largestW, oracle, looks } = this;
    const rules = [...oracle.looked].map(([rule, count]) => `${rule} ${count}`).join(", ");
    return (
      `${looks} looks, ${judged.setpoints + judged.reference} at the ramp, largest step ` +
      `${Math.max(largestW.setpoints, largestW.reference)} W; oracle: ${rules}`
    );
  }

  /** What the batteries give together, as it is. */
  get batteryW(): number {
    return this.truth.units.reduce((sum, { powerW }) => sum + powerW, 0);
  }

  /** What the grid and the batteries give together. */
  get loadW(): number {
    return this.truth.gridW + this.batteryW;
  }

  #look(): void {
    const { site, truth } = this;
    this.looks += 1;
    this.oracle.look(truth, site.clock.now());
    this.#noteCauses(truth);
    if (this.control === "smoothing") this.#judgeReference();
    else this.#judgeSetpoints();
  }

  #noteCauses({ gridW, units }: Truth): void {
    const { nowS, plant } = this.site;
    const isLost = units.some(({ isRunning, isReverting }) => !isRunning || isReverting);
    const isFaulty = UNITS.some((unit) => plant.device(unit).fault !== undefined);
    const wasStopped = this.#stoppedUnits;
    this.#stoppedUnits = units.filter(({ isRunning }) => !isRunning).length;
    // A unit that stays stopped moves nothing: only that it stops does, or that it runs again.
    const isNews = this.#stoppedUnits !== wasStopped;
    if (isFaulty || isNews || (isLost && this.#stoppedUnits === 0)) this.#disturbedS = nowS;
    const loadW = units.reduce((sum, { powerW }) => sum + powerW, gridW);
    if (loadW > CAP_W - MW) this.#atCapS = nowS;
  }

  #judgeSetpoints(): void {
    const { nowS } = this.site;
    const isExplained =
      nowS - this.#disturbedS < DISTURBED_S || nowS - this.#atCapS < REACHES_CAP_S;
    if (isExplained) this.#sums = [];
    const sumW = UNITS.reduce((sum, unit) => sum + this.setpointW(unit), 0);
    this.#sums.push(sumW);
    if (this.#sums.length < 2) return;
    this.judged.setpoints += 1;
    const movedW = Math.abs(sumW - this.#sums.at(-2)!);
    this.largestW.setpoints = Math.max(this.largestW.setpoints, movedW);
    if (!(movedW <= LOOK_STEP_W + ROUNDING_W)) this.#wrong("setpoints", movedW, "at once");
    const firstW = this.#sums.length > WINDOW ? this.#sums.shift()! : sumW;
    const windowW = Math.abs(sumW - firstW);
    if (windowW > WINDOW_STEP_W + ROUNDING_W) this.#wrong("setpoints", windowW, "in a second");
  }

  #judgeReference(): void {
    const { referenceW = Number.NaN, mode = "init" } = this.site.status.smoothing ?? {};
    const beforeW = this.#referenceW;
    // With no battery that takes anything it promises nothing: then it is what the grid gives.
    const isPromise = mode !== "init" && mode !== "standby";
    this.#referenceW = isPromise ? referenceW : Number.NaN;
    if (!isPromise) return;
    if (Number.isNaN(beforeW)) return;
    this.judged.reference += 1;
    const movedW = Math.abs(referenceW - beforeW);
    this.largestW.reference = Math.max(this.largestW.reference, movedW);
    if (!(movedW <= LOOK_STEP_W)) this.#wrong("reference", movedW, "at once");
  }

  #wrong(what: string, movedW: number, how: string): void {
    const atS = this.site.nowS.toFixed(2);
    this.steps.push(`${what} at ${atS} s: ${Math.round(movedW)} W ${how}`);
  }
}
