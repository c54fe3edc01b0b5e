import type { SimulatedStation } from "./iec61850/station.ts";
import { commandPcs, stopPcs } from "./physics/pcs.ts";
import type { Plant } from "./plant.ts";

/** Below this a battery is neither charging nor discharging, W. */
const AT_REST_W = 1_000;
const SQRT3 = Math.sqrt(3);

/** Joins a station or relay of IEC 61850 to the plant: it shows what others measure as well. */
export class PlantStation {
  readonly #station: SimulatedStation;
  readonly #plant: Plant;
  #askedVar = 0;

  constructor(station: SimulatedStation, plant: Plant) {
    this.#station = station;
    this.#plant = plant;
    station.listen((id, value) => {
      this.#obey(id, value);
    });
  }

  show(): void {
    const station = this.#station;
    if (station.profile.deviceClass === "bess") this.#showStation();
    if (station.profile.deviceClass === "breaker") this.#showRelay();
    station.setState("health", "ok");
    station.setState("control-location", "remote");
    station.flush();
  }

  /** All batteries of the plant as one. */
  #showStation(): void {
    const { state, parameters } = this.#plant;
    const { bess, grid } = state;
    const sum = (pick: (one: (typeof bess)[number]) => number): number =>
      bess.reduce((total, one) => total + pick(one), 0);
    const count = Math.max(1, bess.length);
    const powerW = sum(({ pcs }) => pcs.powerW);
    const dcVoltageV = sum(({ battery }) => battery.terminalV) / count;
    const values: Readonly<Record<string, number>> = {
      "active-power": powerW,
      "reactive-power": this.#askedVar,
      frequency: grid.frequencyHz,
      "voltage-ll": grid.voltageV,
      "state-of-charge": (100 * sum(({ battery }) => battery.soc)) / count,
      "charge-power-limit": sum(({ limits }) => limits.chargeW),
      "discharge-power-limit": sum(({ limits }) => limits.dischargeW),
      "dc.voltage": dcVoltageV,
      "dc.current": dcVoltageV > 0 ? sum(({ battery }) => battery.dcPowerW) / dcVoltageV : 0,
      "battery-temperature": sum(({ battery }) => battery.temperatureCel) / count,
      "energy-capacity": bess.length * parameters.bess.energyCapacityWh,
    };
    for (const [id, value] of Object.entries(values)) this.#station.setPoint(id, value);
    this.#showStates(powerW);
  }

  #showStates(powerW: number): void {
    const { bess } = this.#plant.state;
    const isFault = bess.some(({ pcs }) => pcs.mode === "fault");
    const isRunning = bess.some(({ pcs }) => pcs.mode === "running");
    this.#station.setState(
      "operating-state",
      isFault ? "fault" : isRunning ? "running" : "standby",
    );
    const moving =
      powerW > AT_REST_W ? "discharging" : powerW < -AT_REST_W ? "charging" : "holding";
    this.#station.setState("storage-state", moving);
    this.#station.setState("run-command", isRunning ? "start" : "stop");
    this.#station.setPoint("x-connected", isFault ? 0 : 1);
  }

  /** The breaker between the grid and the bus; it never opens by itself here. */
  #showRelay(): void {
    const { grid } = this.#plant.state;
    const station = this.#station;
    station.setState("position", "closed");
    station.setPoint("open-blocked", 0);
    station.setPoint("close-blocked", 1);
    station.setPoint("active-power", grid.importW);
    const { voltageV } = grid;
    station.setPoint("current", voltageV > 0 ? Math.abs(grid.importW) / (SQRT3 * voltageV) : 0);
  }

  #obey(id: string, value: number): void {
    const { state, parameters } = this.#plant;
    const running = state.bess.filter(({ pcs }) => pcs.mode === "running");
    if (id === "active-power-setpoint") {
      for (const { pcs } of running) commandPcs(pcs, parameters.bess, value / running.length);
    } else if (id === "reactive-power-setpoint") this.#askedVar = value;
    else if (id === "run-command") this.#run(value);
  }

  #run(value: number): void {
    const point = this.#station.profile.points.find(({ id }) => id === "run-command");
    const command = point?.texts?.[value];
    for (const { pcs } of this.#plant.state.bess) {
      if (pcs.mode === "fault") continue;
      if (command === "start") pcs.mode = "running";
      if (command === "stop") stopPcs(pcs);
    }
  }
}
