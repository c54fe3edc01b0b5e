import type { PlantLine } from "./plant-line.ts";

/** What happened, newest first. */
export interface ScreenEvent {
  readonly time: string;
  readonly severity: string;
  readonly device: string;
  readonly text: string;
}

export interface ScreenState {
  readonly plant: PlantLine;
  /** Grid, load and battery power, one value for each picture, oldest first, W. */
  readonly trend: {
    readonly grid: readonly (number | null)[];
    readonly load: readonly (number | null)[];
    readonly battery: readonly (number | null)[];
  };
  readonly act: string;
  readonly elapsedS: number;
  readonly events: readonly ScreenEvent[];
  readonly hasColour: boolean;
  /** Of the terminal; a larger one than the smallest shows more events, and more of each. */
  readonly size: { readonly columns: number; readonly rows: number };
}

/** The smallest terminal for the picture. */
export const PICTURE = { columns: 80, rows: 24 } as const;

/**
 * From one picture to the next, ms. Not a second: the load that swings once a second would show the
 * same phase in every picture and look constant.
 */
export const PICTURE_MS = 700;

const WIDTH = PICTURE.columns;
/** Lines of the picture that are no events. */
const FIXED_ROWS = 20;
const TREND_WIDTH = 39;
const TREND_S = Math.round((TREND_WIDTH * PICTURE_MS) / 1_000);
const BAR_WIDTH = 12;
const FULL_SCALE_W = 20_000_000;
const SOC_WIDTH = 20;
const RESERVE_PERCENT = 30;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const STEPS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

type Tone = "plain" | "yellow" | "red" | "cyan" | "magenta" | "dim";
const TONES: Readonly<Record<Tone, string>> = {
  plain: "",
  yellow: "33",
  red: "31",
  cyan: "36",
  magenta: "35",
  dim: "2",
};

/**
 * The picture of the demonstration: 80 columns, and as many lines as the terminal has. A value that
 * is not good is a dash, never its last number. Colour repeats what a word beside it says.
 */
export function demoScreen(state: ScreenState): string[] {
  const paint = (text: string, tone: Tone): string =>
    state.hasColour && tone !== "plain" ? `\u001b[${TONES[tone]}m${text}\u001b[0m` : text;
  const rule = "─".repeat(WIDTH);
  return [
    heading(state, paint),
    rule,
    ...powerLines(state, paint),
    rule,
    ...batteryLines(state, paint),
    ...coolingLines(state, paint),
    rule,
    ...gatewayLines(state, paint),
    ...eventLines(state, paint),
    " keys  f freeze the grid meter   x pull ups-1   b broker   r repair   q quit",
  ].map((line) => clip(line, state.size.columns));
}

type Paint = (text: string, tone: Tone) => string;

function heading(state: ScreenState, paint: Paint): string {
  const { bad, uncertain } = state.plant.quality;
  const word = bad > 0 ? "DEGRADED" : uncertain > 0 ? "DOUBTFUL" : "NORMAL";
  const tone: Tone = bad > 0 ? "red" : uncertain > 0 ? "yellow" : "plain";
  return ` dcpi-gateway  hall-1  ${clock(state.elapsedS)}  ${paint(word, tone)}  ${state.act}`;
}

function powerLines(state: ScreenState, paint: Paint): string[] {
  const { power_w: power, grid } = state.plant;
  const row = (name: string, watts: number | null, behind: string, signed = false): string =>
    [
      ` ${name.padEnd(15)}${megawatts(watts, signed)}`,
      bar(watts).padEnd(BAR_WIDTH + 3),
      behind,
    ].join(" ");
  const direction = (power.bess ?? 0) > 0 ? "cyan" : (power.bess ?? 0) < 0 ? "magenta" : "plain";
  const balance =
    power.balance_error === null ? "—" : `${(100 * power.balance_error).toFixed(2)} %`;
  const hertz = fixed(grid.frequency_hz, 2);
  const kilovolts = fixed(scaled(grid.voltage_v, 1e-3), 1);
  return [
    ` POWER  MW                            grid, last ${TREND_S} s`,
    row("grid import", power.grid, sparkline(state.trend.grid)),
    paint(row("battery", power.bess, "load", true), direction),
    row("training", power.training, sparkline(state.trend.load)),
    row("UPS, inference", power.ups, "battery"),
    row("cooling, heat", power.mechanical, sparkline(state.trend.battery)),
    row("transformers", power.losses, `balance ${balance}   ${hertz} Hz   ${kilovolts} kV`),
  ];
}

function batteryLines(state: ScreenState, paint: Paint): string[] {
  const { bess } = state.plant;
  const socs = bess.map(({ soc }) => soc).filter((soc) => soc !== null);
  const soc = socs.length === 0 ? null : socs.reduce((a, b) => a + b, 0) / socs.length;
  const limit = (pick: (unit: PlantLine["bess"][number]) => number | null): string =>
    fixed(scaled(total(bess.map(pick)), 1e-6), 1);
  const charge = `${fixed(soc, 1).padStart(5)} %`;
  const most = limit((unit) => unit.limit_discharge_w);
  const limits = `+${most} / −${limit((unit) => unit.limit_charge_w)}`;
  const units = bess.map(
    ({ id, w, state: word }) => `  ${id} ${megawatts(w, true).trim()} MW ${word ?? "—"}`,
  );
  return [
    ` BATTERY ${charge}  ${gauge(soc)}  reserve ${RESERVE_PERCENT} %   limit ${limits} MW`,
    `  ${units.join(" ")}`,
    ` UPS      ${state.plant.ups
      .map(({ id, state: word, load_pct: load }) => {
        if (word === null && load === null) return paint(`${id.slice(4)} silent`, "red");
        const text = `${id.slice(4)} ${word ?? "—"} ${fixed(load, 0)} %`;
        return word === "on-battery" ? paint(text, "red") : text;
      })
      .join("    ")}    runtime ${duration(state.plant.ups[0]?.runtime_s ?? null)}`,
  ];
}

function coolingLines(state: ScreenState, paint: Paint): string[] {
  const { cdu, chw, heat } = state.plant;
  const leaks = cdu.filter(({ leak }) => leak === true).map(({ id }) => id);
  const leak = leaks.length > 0 ? paint(`LEAK ${leaks.join(" ")}`, "red") : "leak none";
  const flow = thousands(total(cdu.map((unit) => unit.flow_lpm)));
  const supply = fixed(middle(cdu.map((unit) => unit.supply_c)), 1);
  const back = fixed(middle(cdu.map((unit) => unit.return_c)), 1);
  const chilled = fixed(chw.supply_c, 1);
  const free = fixed(chw.free_pct, 0);
  const heatMw = megawatts(heat.w, false).trim();
  return [
    ` COOLING  cdu supply ${supply} °C  return ${back} °C  flow ${flow} L/min  ${leak}`,
    `   chilled water ${chilled} °C   chillers ${chw.running} of 4, free cooling ${free} %`,
    ` HEAT     ${heatMw} MW to the city at ${fixed(heat.supply_c, 1)} °C`,
  ];
}

function gatewayLines(state: ScreenState, paint: Paint): string[] {
  const { quality, cycle, outbox, mqtt } = state.plant;
  const word = `${quality.bad} bad`;
  const bad = quality.bad > 0 ? paint(word, "red") : word;
  const lostWord = `lost ${thousands(outbox.lost)}`;
  const lost = outbox.lost > 0 ? paint(lostWord, "red") : lostWord;
  const broker = mqtt.connected ? `connected :${mqtt.port}` : paint("NOT CONNECTED", "red");
  const points = `${quality.good} good  ${quality.uncertain} uncertain  ${bad}`;
  const late = `p99 +${fixed(cycle.jitter_p99_ms, 1)} ms  overruns ${fixed(cycle.overruns, 0)}`;
  const sent = `${thousands(outbox.depth)} waiting  sent ${thousands(outbox.sent)}  ${lost}`;
  return [
    ` GATEWAY  ${points}   cycle ${cycle.period_ms} ms  ${late}`,
    ` OUTBOX   ${sent}   MQTT ${broker}   ${thousands(mqtt.samples_per_s)} values/s`,
  ];
}

function eventLines(state: ScreenState, paint: Paint): string[] {
  return Array.from({ length: state.size.rows - FIXED_ROWS }, (_, index) => {
    const event = state.events[index];
    if (event === undefined) return index === 0 ? " no events so far" : "";
    const tone: Tone =
      event.severity === "critical" || event.severity === "trip"
        ? "red"
        : event.severity === "warning"
          ? "yellow"
          : "plain";
    const severity = paint(event.severity.padEnd(8), tone);
    // Most texts begin with the name of the device: once is enough.
    const said = event.text.startsWith(event.device)
      ? event.text
      : `${event.device}: ${event.text}`;
    return ` ${event.time} ${severity} ${said}`;
  });
}

/** Cuts to the width of the screen and shows that it did; escape sequences take no room. */
function clip(line: string, width: number): string {
  const total = Array.from(line.replaceAll(/\u001b\[[0-9;]*m/g, "")).length;
  return total <= width ? line : `${firstOf(line, width - 1)}…`;
}

function firstOf(line: string, width: number): string {
  let shown = 0;
  let result = "";
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith("\u001b")) {
      result += part;
      continue;
    }
    const room = Array.from(part).slice(0, width - shown);
    shown += room.length;
    result += room.join("");
  }
  return result;
}

function megawatts(watts: number | null, signed: boolean): string {
  if (watts === null) return "—".padStart(7);
  const value = watts / 1e6;
  const text = Math.abs(value).toFixed(2);
  const sign = value < -0.005 ? "−" : signed && value > 0.005 ? "+" : "";
  return `${sign}${text}`.padStart(7);
}

function bar(watts: number | null): string {
  if (watts === null) return "";
  const eighths = Math.round((Math.min(Math.abs(watts) / FULL_SCALE_W, 1) * BAR_WIDTH * 8) | 0);
  return "█".repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? "");
}

function gauge(percent: number | null): string {
  if (percent === null) return "—".padEnd(SOC_WIDTH);
  const full = Math.round((percent / 100) * SOC_WIDTH);
  return "█".repeat(full) + "░".repeat(SOC_WIDTH - full);
}

/** Values that are missing leave a blank in the line: a gap is a fact too. */
function sparkline(values: readonly (number | null)[]): string {
  const shown = values.slice(-TREND_WIDTH);
  const known = shown.filter((value) => value !== null);
  const low = Math.min(...known);
  const span = Math.max(...known) - low;
  return shown
    .map((value) => {
      if (value === null) return " ";
      const step = span === 0 ? 3 : Math.round(((value - low) / span) * 7);
      return STEPS[step] ?? " ";
    })
    .join("");
}

function fixed(value: number | null, digits: number): string {
  return value === null ? "—" : value.toFixed(digits);
}

function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

function thousands(value: number | null): string {
  return value === null ? "—" : Math.round(value).toLocaleString("en-US");
}

function duration(seconds: number | null): string {
  if (seconds === null) return "—";
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

function clock(seconds: number): string {
  const part = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  return `${part(seconds / 3600)}:${part((seconds / 60) % 60)}:${part(seconds % 60)}`;
}

function total(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return sum;
}

function middle(values: readonly (number | null)[]): number | null {
  const sum = total(values);
  return sum === null || values.length === 0 ? null : sum / values.length;
}
