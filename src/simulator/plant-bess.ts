import type { SimulatedDevice } from "./device.ts";
import type { TripCause } from "./orders.ts";
import type { BessParameters } from "./physics/parameters.ts";
import { beatPcs, commandPcs, forgetSetpoint, stopPcs, tripPcs } from "./physics/pcs.ts";
import type { BessInputs, BessState } from "./physics/plant-model.ts";

/** Bits of the SunSpec alarm word that stand for a trip. */
const ALARM_BITS: Readonly<Record<TripCause, number>> = {
  "emergency-stop": 1 << 6,
  fault: 1 << 16,
};

/** A converter whose fault is gone starts by itself after this; an emergency stop is reset. */
const RESTART_S = 5;

/** Below this a battery is neither charging nor discharging, W. */
const AT_REST_W = 1000;

function pensOf(device: SimulatedDevice) {
  return {
    power: device.pen("active-power"),
    reactive: device.pen("reactive-power"),
    frequency: device.pen("frequency"),
    apparent: device.pen("apparent-power"),
    voltage: device.pen("voltage-ll"),
    state: device.pen("operating-state"),
    soc: device.pen("state-of-charge"),
    energy: device.pen("energy-available"),
    dischargeLimit: device.pen("discharge-power-limit"),
    chargeLimit: device.pen("charge-power-limit"),
    dcVoltage: device.pen("dc.voltage"),
    dcPower: device.pen("x-dc-power"),
    forward: device.pen("energy.forward"),
    reverse: device.pen("energy.reverse"),
    temperature: device.pen("cabinet-temperature"),
    remaining: device.pen("active-power-setpoint-remaining"),
    alarms: device.pen("x-alarm-bits"),
    health: device.pen("health"),
    storage: device.pen("storage-state"),
    battery: device.pen("x-battery-state"),
    connection: device.pen("x-connection-state"),
  };
}

/** Joins one battery of the plant model to its device: commands in, measurements out. */
export class PlantBess {
  readonly device: SimulatedDevice;
  readonly #state: BessState;
  readonly #parameters: BessParameters;
  readonly #laterS: (nowMs: number) => number;
  #cause: TripCause | undefined;
  #isCausePresent = false;
  /** Since the cause of the trip is gone. */
  #causeGoneS = 0;
  #lastHeartbeat: number;
  readonly #inputs: { reactiveVar: number; reversionAfterS: number };
  #aliveS = 0;
  readonly #pens: ReturnType<typeof pensOf>;
  readonly #runCommands: readonly string[];
  /** Index of the text `watts`; undefined: the device has no such mode. */
  readonly #wattsMode: number | undefined;

  /** @param laterS how far the model is behind the clock at the time of a write, s */
  constructor(
    device: SimulatedDevice,
    state: BessState,
    parameters: BessParameters,
    laterS: (nowMs: number) => number,
  ) {
    this.device = device;
    this.#state = state;
    this.#parameters = parameters;
    this.#laterS = laterS;
    this.#pens = pensOf(device);
    this.#lastHeartbeat = device.readNumber("controller-heartbeat", 0);
    this.#inputs = { reactiveVar: this.#askedVar(), reversionAfterS: this.#storedReversionS() };
    const textsOf = (id: string) => device.profile.points.find((point) => point.id === id)?.texts;
    this.#runCommands = textsOf("run-command") ?? [];
    this.#wattsMode = textsOf("x-setpoint-mode")?.indexOf("watts");
    this.#showRatings();
    device.listen({
      onWrite: (id, value, nowMs) => {
        this.#onWrite(id, value, nowMs);
      },
      onReverted: () => {
        this.#inputs.reactiveVar = this.#askedVar();
      },
      onReboot: () => {
        this.#onReboot();
      },
    });
  }

  /** What the device is told now: one object, which changes with the device's registers. */
  get inputs(): BessInputs {
    return this.#inputs;
  }

  get state(): BessState {
    return this.#state;
  }

  /** Opens the contactors at once. */
  trip(cause: TripCause): void {
    this.#cause = cause;
    this.#isCausePresent = true;
    tripPcs(this.#state.pcs);
    this.#showAlarms();
  }

  /**
   * The cause is gone. A converter's fault ends by itself `RESTART_S` later; an emergency stop
   * stays latched until it is reset through the registers.
   */
  clearCause(): void {
    if (this.#isCausePresent) this.#causeGoneS = 0;
    this.#isCausePresent = false;
    this.#showAlarms();
  }

  get operatingState(): "running" | "standby" | "fault" {
    const { mode } = this.#state.pcs;
    return mode === "stopped" ? "standby" : mode;
  }

  /** What a fast meter of the converter shows. */
  showFast(voltageV: number, frequencyHz: number): void {
    const pens = this.#pens;
    const { powerW, mode } = this.#state.pcs;
    const reactiveVar = mode === "running" && voltageV > 0 ? this.#inputs.reactiveVar : 0;
    pens.power.set(powerW);
    pens.reactive.set(reactiveVar);
    pens.frequency.set(frequencyHz);
    pens.apparent.set(Math.hypot(powerW, reactiveVar));
    pens.voltage.set(voltageV);
    pens.state.setState(this.operatingState);
  }

  /** What changes slowly, and the heartbeats; `elapsedS` since the last call. */
  showSlow(elapsedS: number): void {
    const { device } = this;
    const pens = this.#pens;
    const { battery, limits, pcs } = this.#state;
    this.#restart(elapsedS);
    pens.soc.set(battery.soc * 100);
    pens.energy.set(battery.soc * this.#parameters.energyCapacityWh);
    pens.dischargeLimit.set(limits.dischargeW);
    pens.chargeLimit.set(limits.chargeW);
    pens.dcVoltage.set(battery.terminalV);
    pens.dcPower.set(battery.dcPowerW);
    pens.forward.set(pcs.injectedWh);
    pens.reverse.set(pcs.absorbedWh);
    pens.temperature.set(battery.temperatureCel);
    pens.remaining.set(this.#remainingS());
    this.#showAlarms();
    pens.health.setState(this.#cause === undefined ? "ok" : "critical");
    pens.storage.setState(this.#storageState());
    pens.battery.setState(this.#cause === undefined ? "connected" : "fault");
    pens.connection.setState(pcs.mode === "fault" ? "disconnected" : "connected");
    this.#aliveS += elapsedS;
    while (this.#aliveS >= 1) {
      this.#aliveS -= 1;
      countUp(device, "heartbeat");
      countUp(device, "x-bms-heartbeat");
    }
  }

  /** What the plate says. Where it can be set as well, it is the site's and stays as it is. */
  #showRatings(): void {
    const { powerRatingW, apparentRatingVa, energyCapacityWh, rampWPerS } = this.#parameters;
    const ratings = {
      "discharge-power-rating": powerRatingW,
      "charge-power-rating": powerRatingW,
      "apparent-power-rating": apparentRatingVa,
      "energy-capacity": energyCapacityWh,
      "active-power-ramp-limit": rampWPerS,
    };
    const { points } = this.device.profile;
    for (const [id, value] of Object.entries(ratings)) {
      const canBeSet = points.some((point) => point.id === id && point.access !== "r");
      if (!canBeSet) this.device.setPoint(id, value);
    }
  }

  /** At once when they change, besides: whoever reads the fault reads its cause with it. */
  #showAlarms(): void {
    this.#pens.alarms.set(this.#alarmBits());
  }

  /** The stop chain shows itself as it is; the fault that it left behind stays until the reset. */
  #alarmBits(): number {
    if (this.#cause === undefined) return 0;
    const isChainClosed = this.#cause === "emergency-stop" && !this.#isCausePresent;
    return isChainClosed ? 0 : ALARM_BITS[this.#cause];
  }

  #remainingS(): number {
    const { pcs } = this.#state;
    if (!pcs.isCommanded || pcs.isReverting) return 0;
    // Whole seconds, and 0 only when it has lapsed.
    return Math.ceil(Math.max(0, this.#inputs.reversionAfterS - pcs.setpointAgeS));
  }

  #storageState(): string {
    const { pcs, limits } = this.#state;
    if (pcs.mode === "fault") return "off";
    if (pcs.powerW > AT_REST_W) return "discharging";
    if (pcs.powerW < -AT_REST_W) return "charging";
    if (limits.dischargeW <= 0) return "empty";
    return limits.chargeW <= 0 ? "full" : "holding";
  }

  #onWrite(id: string, value: number, nowMs: number): void {
    switch (id) {
      case "active-power-setpoint":
        if (this.#isArmed()) this.#command(value, nowMs);
        return;
      case "active-power-setpoint-enabled":
      case "x-setpoint-mode":
        if (!this.#isArmed()) forgetSetpoint(this.#state.pcs);
        return;
      case "active-power-setpoint-reversion-time":
        this.#inputs.reversionAfterS = value;
        return;
      case "reactive-power-setpoint":
        this.#inputs.reactiveVar = value;
        return;
      case "controller-heartbeat":
        if (value !== this.#lastHeartbeat) beatPcs(this.#state.pcs);
        this.#lastHeartbeat = value;
        return;
      default:
        this.#onCommand(id, value);
    }
  }

  #onCommand(id: string, value: number): void {
    if (id === "run-command") {
      this.#run(this.#runCommands[value]);
    } else if (id === "alarm-reset" && value === 1) this.#reset();
  }

  #command(powerW: number, nowMs: number): void {
    commandPcs(this.#state.pcs, this.#parameters, powerW, this.#laterS(nowMs));
  }

  /** A device without these registers is always armed. */
  #isArmed(): boolean {
    if (this.device.readNumber("active-power-setpoint-enabled", 1) !== 1) return false;
    if (this.#wattsMode === undefined) return true;
    return this.device.readNumber("x-setpoint-mode", 0) === this.#wattsMode;
  }

  #run(command: string | undefined): void {
    const { pcs } = this.#state;
    if (pcs.mode === "fault") return;
    if (command === "start") pcs.mode = "running";
    if (command === "stop") stopPcs(pcs);
  }

  #restart(elapsedS: number): void {
    if (this.#cause !== "fault" || this.#isCausePresent) return;
    this.#causeGoneS += elapsedS;
    if (this.#causeGoneS >= RESTART_S) this.#reset();
  }

  /** Ends a trip whose cause is gone: the battery is then as its run command says. */
  #reset(): void {
    if (this.#isCausePresent || this.#cause === undefined) return;
    this.#cause = undefined;
    const isStopped = this.device.readNumber("run-command", 1) === 0;
    this.#state.pcs.mode = isStopped ? "stopped" : "running";
  }

  #onReboot(): void {
    forgetSetpoint(this.#state.pcs);
    this.#showRatings();
    this.#lastHeartbeat = this.device.readNumber("controller-heartbeat", 0);
    this.#inputs.reversionAfterS = this.#storedReversionS();
    this.#inputs.reactiveVar = this.#askedVar();
    if (this.#state.pcs.mode === "stopped") this.#state.pcs.mode = "running";
  }

  #askedVar(): number {
    return this.device.readNumber("reactive-power-setpoint", 0);
  }

  #storedReversionS(): number {
    return this.device.readNumber(
      "active-power-setpoint-reversion-time",
      this.#parameters.reversionAfterS,
    );
  }
}

/** Adds one to a counter point; starts again at 0 when the registers cannot hold more. */
export function countUp(device: SimulatedDevice, id: string): void {
  const next = device.readNumber(id, 0) + 1;
  if (!device.setPoint(id, next)) return;
  if (device.readNumber(id, 0) !== next) device.setPoint(id, 0);
}
