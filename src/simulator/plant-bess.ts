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

/** Below this a battery is neither charging nor discharging, W. */
const AT_REST_W = 1000;

/** Joins one battery of the plant model to its device: commands in, measurements out. */
export class PlantBess {
  readonly device: SimulatedDevice;
  readonly #state: BessState;
  readonly #parameters: BessParameters;
  readonly #laterS: (nowMs: number) => number;
  #cause: TripCause | undefined;
  #isCausePresent = false;
  #lastHeartbeat: number;
  #reversionAfterS: number;
  #reactiveVar: number;
  #aliveS = 0;
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
    this.#lastHeartbeat = device.readNumber("controller-heartbeat", 0);
    this.#reversionAfterS = this.#storedReversionS();
    this.#reactiveVar = this.#askedVar();
    const textsOf = (id: string) => device.profile.points.find((point) => point.id === id)?.texts;
    this.#runCommands = textsOf("run-command") ?? [];
    this.#wattsMode = textsOf("x-setpoint-mode")?.indexOf("watts");
    device.listen({
      onWrite: (id, value, nowMs) => {
        this.#onWrite(id, value, nowMs);
      },
      onReboot: () => {
        this.#onReboot();
      },
    });
  }

  /** What the device is told now; to be asked for once in each step. */
  inputs(): BessInputs {
    this.#reactiveVar = this.#askedVar();
    return { reactiveVar: this.#reactiveVar, reversionAfterS: this.#reversionAfterS };
  }

  get state(): BessState {
    return this.#state;
  }

  /** Opens the contactors at once. */
  trip(cause: TripCause): void {
    this.#cause = cause;
    this.#isCausePresent = true;
    tripPcs(this.#state.pcs);
  }

  /** The cause is gone; the trip stays latched until it is reset through the registers. */
  clearCause(): void {
    this.#isCausePresent = false;
  }

  get operatingState(): "running" | "standby" | "fault" {
    const { mode } = this.#state.pcs;
    return mode === "stopped" ? "standby" : mode;
  }

  /** What a fast meter of the converter shows. */
  showFast(voltageV: number, frequencyHz: number): void {
    const { device } = this;
    const { powerW, mode } = this.#state.pcs;
    const reactiveVar = mode === "running" ? this.#reactiveVar : 0;
    device.setPoint("active-power", powerW);
    device.setPoint("reactive-power", reactiveVar);
    device.setPoint("frequency", frequencyHz);
    device.setPoint("apparent-power", Math.hypot(powerW, reactiveVar));
    device.setPoint("voltage-ll", voltageV);
    device.setState("operating-state", this.operatingState);
  }

  /** What changes slowly, and the heartbeats; `elapsedS` since the last call. */
  showSlow(elapsedS: number): void {
    const { device } = this;
    const { battery, limits, pcs } = this.#state;
    device.setPoint("state-of-charge", battery.soc * 100);
    device.setPoint("energy-available", battery.soc * this.#parameters.energyCapacityWh);
    device.setPoint("discharge-power-limit", limits.dischargeW);
    device.setPoint("charge-power-limit", limits.chargeW);
    device.setPoint("dc.voltage", battery.terminalV);
    device.setPoint("x-dc-power", battery.dcPowerW);
    device.setPoint("energy.forward", pcs.injectedWh);
    device.setPoint("energy.reverse", pcs.absorbedWh);
    device.setPoint("cabinet-temperature", battery.temperatureCel);
    device.setPoint("active-power-setpoint-remaining", this.#remainingS());
    device.setPoint("x-alarm-bits", this.#alarmBits());
    device.setState("health", this.#cause === undefined ? "ok" : "critical");
    device.setState("storage-state", this.#storageState());
    device.setState("x-battery-state", this.#cause === undefined ? "connected" : "fault");
    device.setState("x-connection-state", pcs.mode === "fault" ? "disconnected" : "connected");
    this.#aliveS += elapsedS;
    while (this.#aliveS >= 1) {
      this.#aliveS -= 1;
      countUp(device, "heartbeat");
      countUp(device, "x-bms-heartbeat");
    }
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
    return Math.ceil(Math.max(0, this.#reversionAfterS - pcs.setpointAgeS));
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
        this.#reversionAfterS = value;
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

  /** Ends a trip whose cause is gone: the battery is then as its run command says. */
  #reset(): void {
    if (this.#isCausePresent || this.#cause === undefined) return;
    this.#cause = undefined;
    const isStopped = this.device.readNumber("run-command", 1) === 0;
    this.#state.pcs.mode = isStopped ? "stopped" : "running";
  }

  #onReboot(): void {
    forgetSetpoint(this.#state.pcs);
    this.#lastHeartbeat = this.device.readNumber("controller-heartbeat", 0);
    this.#reversionAfterS = this.#storedReversionS();
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
