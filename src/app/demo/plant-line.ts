/** One point as `services/queries` answers it. */
export interface PointReading {
  readonly id: string;
  /** Null when it is bad: then there is no number to show. */
  readonly value: number | string | boolean | null;
  readonly quality: string;
  readonly ageMs: number;
  readonly unit?: string | undefined;
  /** When it was measured or, where it is not good, last good, UTC ms. */
  readonly sourceTime: number | null;
}

/** What only the plant itself knows: losses that nobody meters, and whether its books balance. */
export interface PlantTruth {
  readonly virtualS: number;
  readonly lossesW: number;
  readonly balanceError: number;
}

export interface GatewayState {
  readonly periodMs: number;
  readonly latenessP99Ms: number | null;
  readonly overruns: number | null;
  readonly overrunsStolen: number | null;
  readonly outboxDepth: number;
  readonly sent: number;
  readonly lost: number;
  readonly mqttPort: number;
  readonly mqttConnected: boolean;
  readonly ratePerS: number;
  readonly samplesPerS: number;
}

type Value = number | null;

/**
 * The line of `demo --json`, once a second. Powers in W; null where the gateway has no good value.
 */
export interface PlantLine {
  readonly type: "plant";
  readonly t: string;
  readonly virtual_s: number;
  readonly power_w: {
    readonly grid: Value;
    readonly bess: Value;
    readonly training: Value;
    readonly ups: Value;
    readonly mechanical: Value;
    readonly losses: Value;
    readonly balance_error: Value;
  };
  readonly grid: { readonly frequency_hz: Value; readonly voltage_v: Value };
  readonly bess: readonly {
    readonly id: string;
    readonly w: Value;
    readonly soc: Value;
    readonly limit_discharge_w: Value;
    readonly limit_charge_w: Value;
    readonly state: string | null;
  }[];
  readonly ups: readonly {
    readonly id: string;
    readonly state: string | null;
    readonly w: Value;
    readonly load_pct: Value;
    readonly runtime_s: Value;
  }[];
  readonly cdu: readonly {
    readonly id: string;
    readonly supply_c: Value;
    readonly return_c: Value;
    readonly flow_lpm: Value;
    readonly leak: boolean | null;
    readonly pumps_w_flow: Value;
  }[];
  readonly chw: {
    readonly supply_c: Value;
    readonly return_c: Value;
    readonly running: number;
    readonly free_pct: Value;
  };
  readonly heat: { readonly w: Value; readonly supply_c: Value; readonly return_c: Value };
  readonly quality: { readonly good: number; readonly uncertain: number; readonly bad: number };
  readonly cycle: {
    readonly period_ms: number;
    readonly jitter_p99_ms: Value;
    readonly overruns: Value;
    readonly overruns_stolen: Value;
  };
  readonly outbox: { readonly depth: number; readonly sent: number; readonly lost: number };
  readonly mqtt: {
    readonly port: number;
    readonly connected: boolean;
    readonly rate: number;
    readonly samples_per_s: number;
  };
}

/** Makes the line from what the gateway knows; a value that is not good is null. Pure. */
export function plantLine(
  t: string,
  points: ReadonlyMap<string, PointReading>,
  truth: PlantTruth,
  state: GatewayState,
): PlantLine {
  const number = (id: string): Value => {
    const reading = points.get(id);
    return typeof reading?.value === "number" ? reading.value : null;
  };
  const word = (id: string): string | null => {
    const reading = points.get(id);
    return typeof reading?.value === "string" ? reading.value : null;
  };
  const bess = ids("bess", 2).map((id) => ({
    id,
    w: number(`${id}/active-power`),
    soc: number(`${id}/state-of-charge`),
    limit_discharge_w: number(`${id}/discharge-power-limit`),
    limit_charge_w: number(`${id}/charge-power-limit`),
    state: word(`${id}/operating-state`),
  }));
  return {
    type: "plant",
    t,
    virtual_s: truth.virtualS,
    power_w: {
      grid: number("pcc-meter/active-power"),
      bess: sum(bess.map(({ w }) => w)),
      training: number("m-train/active-power"),
      ups: number("m-ups/active-power"),
      mechanical: number("m-mech/active-power"),
      losses: truth.lossesW,
      balance_error: truth.balanceError,
    },
    grid: {
      frequency_hz: number("pcc-meter/frequency"),
      voltage_v: lineVoltage(number("pcc-meter/voltage.l1")),
    },
    bess,
    ups: ids("ups", 3).map((id) => ({
      id,
      state: word(`${id}/ups-state`),
      w: number(`${id}/active-power`),
      load_pct: number(`${id}/load-percent`),
      runtime_s: number(`${id}/battery-runtime`),
    })),
    cdu: ids("cdu", 8).map((id) => cduOf(id, points, number)),
    chw: chilledWater(number, word),
    heat: {
      w: number("heat-meter-1/heat-rate"),
      supply_c: number("heat-meter-1/supply-temperature"),
      return_c: number("heat-meter-1/return-temperature"),
    },
    quality: countQuality(points),
    cycle: {
      period_ms: state.periodMs,
      jitter_p99_ms: state.latenessP99Ms,
      overruns: state.overruns,
      overruns_stolen: state.overrunsStolen,
    },
    outbox: { depth: state.outboxDepth, sent: state.sent, lost: state.lost },
    mqtt: {
      port: state.mqttPort,
      connected: state.mqttConnected,
      rate: state.ratePerS,
      samples_per_s: state.samplesPerS,
    },
  };
}

function ids(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

function cduOf(
  id: string,
  points: ReadonlyMap<string, PointReading>,
  number: (id: string) => Value,
): PlantLine["cdu"][number] {
  const leak = points.get(`${id}/leak-detected`)?.value;
  const flows = ids("x-flow", 4).map((name) => number(`${id}/${name.replace("flow-", "flow.")}`));
  const known = flows.filter((flow) => flow !== null);
  return {
    id,
    supply_c: number(`${id}/secondary.supply-temperature`),
    return_c: number(`${id}/secondary.return-temperature`),
    flow_lpm: number(`${id}/secondary.flow`),
    leak: typeof leak === "boolean" ? leak : null,
    pumps_w_flow: known.length === 0 ? null : known.filter((flow) => flow > 1).length,
  };
}

function chilledWater(
  number: (id: string) => Value,
  word: (id: string) => string | null,
): PlantLine["chw"] {
  const chillers = ids("chiller", 4);
  const running = chillers.filter((id) => word(`${id}/operating-state`) === "running");
  const shown = running.length > 0 ? running : chillers;
  return {
    supply_c: mean(shown.map((id) => number(`${id}/secondary.supply-temperature`))),
    return_c: mean(shown.map((id) => number(`${id}/secondary.return-temperature`))),
    running: running.length,
    free_pct: mean(shown.map((id) => number(`${id}/x-free-cooling-percent`))),
  };
}

/** A meter of this kind gives phase voltages; √3 makes the voltage between lines of them. */
function lineVoltage(phaseV: Value): Value {
  return phaseV === null ? null : phaseV * Math.sqrt(3);
}

/** Null when one part is missing: a sum of what happens to be known would be a lie. */
function sum(values: readonly Value[]): Value {
  let total = 0;
  for (const value of values) {
    if (value === null) return null;
    total += value;
  }
  return total;
}

function mean(values: readonly Value[]): Value {
  const total = sum(values);
  return total === null || values.length === 0 ? null : total / values.length;
}

function countQuality(points: ReadonlyMap<string, PointReading>): PlantLine["quality"] {
  let good = 0;
  let uncertain = 0;
  let bad = 0;
  for (const { quality } of points.values()) {
    if (quality === "good") good += 1;
    else if (quality.startsWith("uncertain")) uncertain += 1;
    else bad += 1;
  }
  return { good, uncertain, bad };
}
