import type { CduSnapshot } from "./cooling-half.ts";
import type { SimulatedDevice } from "./device.ts";
import {
  type CduInputs,
  type CduState,
  LEVEL_LOW,
  ROPE_WET_S,
  ROW_ROPE_WET_S,
} from "./physics/thermal/cdu.ts";
import type { CduParameters } from "./physics/thermal/parameters.ts";
import type { ThermalState } from "./physics/thermal/thermal-plant.ts";
import { at } from "./plant-list.ts";

const SETPOINT = "pump-speed-setpoint";
const FULL_SPEED_PERCENT = 100;
/** Digital inputs of the board, as the demo site has them wired. */
const DIN = { leak: 1 << 0, levelLow: 1 << 1, levelOk: 1 << 2, rowRope: 1 << 3 } as const;

/** Joins one coolant distribution unit of the plant model to its device. */
export class PlantCdu {
  readonly device: SimulatedDevice;
  readonly #state: CduState;
  readonly #inputs: CduInputs;
  readonly #parameters: CduParameters;
  readonly #pens: ReturnType<typeof pensOf>;
  /** Somebody has written the speed: then the operator leaves it alone. */
  #isCommanded = false;

  constructor(
    device: SimulatedDevice,
    state: Pick<ThermalState, "cdus" | "cduInputs">,
    place: number,
    parameters: CduParameters,
  ) {
    this.device = device;
    this.#state = at(state.cdus, place);
    this.#inputs = at(state.cduInputs, place);
    this.#parameters = parameters;
    this.#pens = pensOf(device, parameters.pump.pumps);
    device.listen({
      onWrite: (id) => {
        if (id === SETPOINT) this.#isCommanded = true;
      },
      // The pumps need their time for another speed.
      onSettled: (id, value) => {
        if (id === SETPOINT) this.#inputs.speedPercent = value;
      },
      // Without a signal the pumps run at full speed, by their own rule.
      onReboot: () => {
        this.#inputs.speedPercent = FULL_SPEED_PERCENT;
      },
    });
  }

  operate(speedPercent: number): void {
    if (this.#isCommanded) return;
    this.#inputs.speedPercent = speedPercent;
    for (const pen of this.#pens.speeds) pen.set(speedPercent);
  }

  /** Undefined when done, else the problem in a sentence. */
  failPump(pump: number): string | undefined {
    const { pumps } = this.#parameters.pump;
    if (pump > pumps) return `${this.device.id} has ${pumps} pumps`;
    this.#inputs.failedPumps |= 1 << (pump - 1);
    return undefined;
  }

  /** @param pump undefined: all of them */
  repairPump(pump: number | undefined): string | undefined {
    this.#inputs.failedPumps &= pump === undefined ? 0 : ~(1 << (pump - 1));
    return undefined;
  }

  leak(litresPerMin: number): string | undefined {
    this.#inputs.leakLPerMin = litresPerMin;
    return undefined;
  }

  show(): void {
    const { hotCel, coldCel, leakingS, reservoirL } = this.#state;
    const pens = this.#pens;
    pens.hot.set(hotCel);
    pens.hot2.set(hotCel);
    pens.cold.set(coldCel);
    pens.cold2.set(coldCel);
    this.#showFlows();
    const isLow = reservoirL <= LEVEL_LOW * this.#parameters.reservoirL;
    const isWet = leakingS >= ROPE_WET_S;
    const isRowWet = leakingS >= ROW_ROPE_WET_S;
    pens.leak.set(isWet ? 1 : 0);
    pens.rowRope.set(isRowWet ? 1 : 0);
    pens.levelLow.set(isLow ? 1 : 0);
    pens.levelOk.set(isLow ? 0 : 1);
    const level = isLow ? DIN.levelLow : DIN.levelOk;
    pens.inputs.set((isWet ? DIN.leak : 0) | (isRowWet ? DIN.rowRope : 0) | level);
  }

  snapshot(): CduSnapshot {
    const { hotCel, coldCel, flowLPerMin, running, reservoirL, leakingS } = this.#state;
    return {
      id: this.device.id,
      supplyCel: coldCel,
      returnCel: hotCel,
      flowLPerMin,
      speedPercent: this.#inputs.speedPercent,
      pumpsRunning: running,
      reservoirPercent: (100 * reservoirL) / this.#parameters.reservoirL,
      isLeaking: leakingS > 0,
    };
  }

  #showFlows(): void {
    const { flowLPerMin, running } = this.#state;
    const eachLPerMin = running > 0 ? flowLPerMin / running : 0;
    for (const [place, pen] of this.#pens.flows.entries()) {
      const hasFailed = (this.#inputs.failedPumps & (1 << place)) !== 0;
      pen.set(hasFailed ? 0 : eachLPerMin);
    }
  }
}

function pensOf(device: SimulatedDevice, pumps: number) {
  const speeds = ["x-pump-2-duty", "x-pump-3-duty", "x-pump-4-duty"];
  return {
    hot: device.pen("secondary.return-temperature"),
    cold: device.pen("secondary.supply-temperature"),
    hot2: device.pen("x-loop-2-inlet-temperature"),
    cold2: device.pen("x-loop-2-outlet-temperature"),
    flows: Array.from({ length: pumps }, (_, place) => device.pen(`x-flow.${place + 1}`)),
    leak: device.pen("leak-detected"),
    rowRope: device.pen("x-row-rope-wet"),
    levelLow: device.pen("x-level-low"),
    levelOk: device.pen("x-level-ok"),
    inputs: device.pen("x-din-status"),
    speeds: [SETPOINT, ...speeds].map((id) => device.pen(id)),
  };
}
