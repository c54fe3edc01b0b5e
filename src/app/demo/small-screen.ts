import type { DemoState, ScreenEvent } from "./demo-state.ts";
import {
  bar,
  clip,
  clockText,
  duration,
  fixed,
  gauge,
  megawatts,
  middle,
  type Paint,
  painter,
  padTo,
  scaled,
  signed,
  sparkline,
  thousands,
  type Tone,
  total,
} from "./ink.ts";

/** The smallest terminal for a picture. */
export const SMALL = { columns: 80, rows: 24 } as const;

const BAR_WIDTH = 12;
const TREND_WIDTH = 40;
const SOC_WIDTH = 20;
const FULL_SCALE_W = 20_000_000;
const RESERVE_PERCENT = 30;
/** Lines of the picture that are no events. */
const FIXED_ROWS = 21;
const KEYS = " keys  1–9 scenes  0 normal  p points  e E-stop  r reset  ? help  q quit";

/**
 * The picture for 80 columns and 24 rows; a terminal with more rows shows more events. A value that
 * is not good is a dash with its reason, never its last number. Colour repeats what a word beside
 * it says.
 */
export function smallScreen(
  state: DemoState,
  hasColour: boolean,
  rows: number = SMALL.rows,
): string[] {
  const paint = painter(hasColour);
  const rule = "─".repeat(SMALL.columns);
  return [
    heading(state, paint),
    rule,
    ...powerLines(state, paint),
    rule,
    ...batteryLines(state, paint),
    ...coolingLines(state, paint),
    rule,
    ...gatewayLines(state, paint),
    ...eventLines(state.events, rows - FIXED_ROWS, paint),
    KEYS,
  ].map((line) => clip(line.trimEnd(), SMALL.columns));
}

function heading(state: DemoState, paint: Paint): string {
  const word = stateWord(state, paint);
  const title = state.isFrozen ? paint("PICTURE STANDS STILL (space)", "yellow") : state.title;
  const time = clockText(state.elapsedS);
  return ` dcpi-gateway demo  hall-1  ${time}  ${padTo(word, 8)}  ${title}`;
}

/** How the plant is, in one word. */
export function stateWord(state: DemoState, paint: Paint): string {
  const { bad, uncertain } = state.plant.quality;
  if ((state.control?.status.trips.length ?? 0) > 0) return paint("TRIPPED", "red");
  if (state.criticals > 0) return paint("ALARM", "red");
  if (bad > 0) return paint("DEGRADED", "red");
  return uncertain > 0 ? paint("DOUBTFUL", "yellow") : "NORMAL";
}

function powerLines(state: DemoState, paint: Paint): string[] {
  const { power_w: power, grid } = state.plant;
  const row = (name: string, watts: number | null, id: string | undefined, behind: string) =>
    powerRow(state, paint, { name, watts, id, isSigned: name === "battery" }) + behind;
  const trend = (name: keyof DemoState["trend"]): string =>
    sparkline(state.trend[name], TREND_WIDTH);
  const balance = fixed(scaled(power.balance_error, 100), 2);
  const hertz = fixed(grid.frequency_hz, 2);
  const kilovolts = fixed(scaled(grid.voltage_v, 1e-3), 1);
  const ramp = signed(scaled(state.rampWPerS, 1e-6), 2);
  return [
    ` POWER  MW                            ${padTo("PCC, last 60 s", 23)}ramp ${ramp} MW/s`,
    row("grid import", power.grid, "pcc-meter/active-power", trend("grid")),
    row("battery", power.bess, badBess(state), "load"),
    row("training", power.training, "m-train/active-power", trend("load")),
    row("UPS, inference", power.ups, "m-ups/active-power", "battery"),
    row("cooling, heat", power.mechanical, "m-mech/active-power", trend("battery")),
    row("transformers", power.losses, undefined, "") +
      `balance ${balance} %   ${hertz} Hz   ${kilovolts} kV`,
  ];
}

/** A name, a number of MW and a bar, 38 columns; where the number is bad, the reason in red. */
export function powerRow(
  state: DemoState,
  paint: Paint,
  row: {
    readonly name: string;
    readonly watts: number | null;
    readonly id: string | undefined;
    readonly isSigned: boolean;
  },
): string {
  const { name, watts, id, isSigned } = row;
  const note = id === undefined ? undefined : state.detail.notes[id];
  const tone: Tone = !isSigned || watts === null ? "plain" : batteryTone(watts);
  const number = ` ${name.padEnd(14)}${megawatts(watts, isSigned)} `;
  if (note?.isBad === true) {
    return padTo(number.trimEnd() + paint(` ${clip(note.text, 14)}`, "red"), 38);
  }
  const shape = note === undefined ? bar(watts, BAR_WIDTH, FULL_SCALE_W) : clip(note.text, 14);
  return padTo(paint(number, tone) + paint(shape, note === undefined ? tone : "yellow"), 38);
}

function batteryTone(watts: number): Tone {
  return watts > 5_000 ? "cyan" : watts < -5_000 ? "magenta" : "plain";
}

function badBess({ detail }: DemoState): string | undefined {
  return ["bess-1/active-power", "bess-2/active-power"].find((id) => id in detail.notes);
}

function batteryLines(state: DemoState, paint: Paint): string[] {
  const { bess } = state.plant;
  const soc = middle(bess.map((unit) => unit.soc));
  const most = fixed(scaled(total(bess.map((unit) => unit.limit_discharge_w)), 1e-6), 1);
  const least = fixed(scaled(total(bess.map((unit) => unit.limit_charge_w)), 1e-6), 1);
  const charge = `${fixed(soc, 1).padStart(5)} % ${gauge(soc, SOC_WIDTH)}`;
  const units = bess.map((unit) => unitText(state, paint, unit));
  const beat = fixed(state.detail.bess[0]?.heartbeat ?? null, 0);
  const ups = state.plant.ups.map((unit) => padTo(upsText(state, paint, unit), 17));
  const runtime = state.plant.ups.map(({ runtime_s: seconds }) => seconds).find((s) => s !== null);
  return [
    ` BATTERY ${charge} reserve ${RESERVE_PERCENT} %   limit +${most} / −${least} MW`,
    `   ${units.join("   ")}     heartbeat ${beat}`,
    ` UPS      ${ups.join(" ")}  runtime ${duration(runtime ?? null)}`,
  ];
}

function unitText(
  { detail }: DemoState,
  paint: Paint,
  { id, w, state: word }: DemoState["plant"]["bess"][number],
): string {
  const note = detail.notes[`${id}/active-power`];
  if (note?.isBad === true) return `${id} — ${paint(note.text, "red")}`;
  const mode = word === "fault" ? paint("FAULT", "red") : (word ?? "—");
  const doubt = note === undefined ? "" : ` ${paint(note.text, "yellow")}`;
  return `${id} ${megawatts(w, true).trim()} MW ${mode}${doubt}`;
}

/** One UPS unit: `1 online 57 %`. */
export function upsText(
  { detail }: DemoState,
  paint: Paint,
  { id, state: word, load_pct: load }: DemoState["plant"]["ups"][number],
): string {
  const name = id.slice(4);
  const note = detail.notes[`${id}/active-power`];
  if (note?.isBad === true) return `${name} — ${paint(note.text, "red")}`;
  const text = `${name} ${word ?? "—"} ${fixed(load, 0)} %`;
  return word === "online" ? text : paint(text, "red");
}

function coolingLines(state: DemoState, paint: Paint): string[] {
  const { cdu, chw, heat } = state.plant;
  const leaks = cdu.filter(({ leak }) => leak === true).map(({ id }) => id.slice(4));
  const leak = leaks.length > 0 ? paint(`LEAK cdu ${leaks.join(" ")}`, "red") : "leak none";
  const flow = thousands(total(cdu.map((unit) => unit.flow_lpm)));
  const supply = fixed(middle(cdu.map((unit) => unit.supply_c)), 1);
  const back = fixed(middle(cdu.map((unit) => unit.return_c)), 1);
  const free = fixed(chw.free_pct, 0);
  const energy = fixed(scaled(state.detail.heatEnergyWh, 1e-6), 2);
  const note = state.detail.notes["heat-meter-1/heat-rate"];
  const city =
    note?.isBad === true
      ? `   — ${paint(note.text, "red")}`
      : `${megawatts(heat.w).trim()} MW to the city at ${fixed(heat.supply_c, 1)} °C`;
  return [
    ` COOLING  cdu supply ${supply} °C  return ${back} °C  flow ${flow} L/min  ${leak}`,
    `   cdu  ${cdu.map((unit, at) => cduText(state, paint, unit, at)).join("  ")}`,
    `   chilled water ${fixed(chw.supply_c, 1)} °C   chillers ${chw.running} of 4, ` +
      `free cooling ${free} %`,
    ` HEAT     ${city}   counted ${energy} MWh`,
  ];
}

function cduText(
  { detail }: DemoState,
  paint: Paint,
  { id, leak }: DemoState["plant"]["cdu"][number],
  at: number,
): string {
  const name = id.slice(4);
  const note = detail.notes[`${id}/secondary.supply-temperature`];
  if (note?.isBad === true) return `${name} — ${paint(note.text, "red")}`;
  if (leak === true) return `${name} ${paint("LEAK", "red")}`;
  const stopped = stoppedPumps(detail.cdu[at]?.pumpFlows ?? []);
  if (stopped.length === 0) return `${name} ok`;
  return `${name} ${paint(`PUMP ${stopped.join("+")} NO FLOW`, "red")}`;
}

/** Numbers of the pumps that are known to move nothing. */
export function stoppedPumps(flows: readonly (number | null)[]): readonly number[] {
  return flows.flatMap((flow, at) => (flow !== null && flow < 1 ? [at + 1] : []));
}

function gatewayLines(state: DemoState, paint: Paint): string[] {
  const { quality, cycle, outbox, mqtt } = state.plant;
  const link = mqtt.connected ? "MQTT connected" : paint("MQTT NOT CONNECTED", "red");
  const overruns = cycle.overruns ?? 0;
  const shown = `overruns ${cycle.overruns ?? "—"}`;
  const bad = `${quality.bad} bad`;
  const doubt = `${quality.uncertain} uncertain`;
  return [
    ` GATEWAY  ${quality.good} good  ${quality.uncertain > 0 ? paint(doubt, "yellow") : doubt}  ` +
      `${quality.bad > 0 ? paint(bad, "red") : bad}   cycle ${cycle.period_ms} ms  ` +
      `p99 ${signed(cycle.jitter_p99_ms, 1)} ms  ${overruns > 0 ? paint(shown, "yellow") : shown}`,
    ` OUTBOX   ${outbox.depth} waiting   sent ${thousands(outbox.sent)}  ` +
      `lost ${outbox.lost}   ${link} :${mqtt.port}   ${thousands(mqtt.samples_per_s)}/s`,
  ];
}

/** The newest events, newest first, and blank lines for those that have not happened. */
export function eventLines(events: readonly ScreenEvent[], count: number, paint: Paint): string[] {
  const lines = events.slice(0, count).map(({ time, severity, device, text }) => {
    const said = device === "" || text.startsWith(device) ? text : `${device}: ${text}`;
    return ` ${time} ${paint(severity.padEnd(8), severityTone(severity))} ${said}`;
  });
  if (lines.length === 0) lines.push(" no events so far");
  return [...lines, ...Array<string>(Math.max(0, count - lines.length)).fill("")];
}

function severityTone(severity: string): Tone {
  if (severity === "critical" || severity === "trip" || severity === "fault") return "red";
  return severity === "warning" ? "yellow" : "plain";
}
