import type { DemoState, LinkRow } from "./demo-state.ts";
import {
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
} from "./ink.ts";
import { eventLines, powerRow, stateWord, stoppedPumps, upsText } from "./small-screen.ts";
import { whyLine } from "./why.ts";

/** The smallest terminal for the larger picture. */
export const LARGE = { columns: 120, rows: 40 } as const;

const LEFT_WIDTH = 66;
const CDU_WIDTH = 74;
const LINK_WIDTH = 58;
const TREND_WIDTH = 26;
const LINK_ROWS = 8;
/** Lines of the picture that are no events. */
const FIXED_ROWS = 31;
const KEYS =
  " keys  1–9 scenes  0 normal  p points  w why  f faults  b broker  e E-stop  r reset  " +
  "space freeze  ? help  q quit";

/** The picture for 120 columns and 40 rows; a terminal with more rows shows more events. */
export function largeScreen(
  state: DemoState,
  hasColour: boolean,
  rows: number = LARGE.rows,
): string[] {
  const paint = painter(hasColour);
  const rule = "─".repeat(LARGE.columns);
  return [
    heading(state, paint),
    rule,
    ...beside(powerLines(state, paint), batteryLines(state, paint), LEFT_WIDTH),
    rule,
    ...beside(cduLines(state, paint), facilityLines(state, paint), CDU_WIDTH),
    rule,
    ...linkLines(state.links, paint),
    rule,
    ...gatewayLines(state, paint),
    rule,
    ...eventLines(state.events, rows - FIXED_ROWS, paint),
    KEYS,
  ].map((line) => clip(line.trimEnd(), LARGE.columns));
}

function beside(left: readonly string[], right: readonly string[], width: number): string[] {
  return left.map((line, at) => padTo(clip(line, width), width) + (right[at] ?? ""));
}

function heading(state: DemoState, paint: Paint): string {
  const { mqtt } = state.plant;
  const title = state.isFrozen ? paint("PICTURE STANDS STILL (space)", "yellow") : state.title;
  const link = mqtt.connected ? "connected" : paint("NOT CONNECTED", "red");
  const left =
    ` dcpi-gateway demo  hall-1  ${clockText(state.elapsedS)}  ` +
    `${padTo(stateWord(state, paint), 8)}  ${title}`;
  return `${padTo(left, 93)}  MQTT :${mqtt.port} ${link}`;
}

function powerLines(state: DemoState, paint: Paint): string[] {
  const { power_w: power } = state.plant;
  const row = (name: string, watts: number | null, id: string, trend: keyof typeof state.trend) =>
    powerRow(state, paint, { name, watts, id, isSigned: name === "battery" }) +
    sparkline(state.trend[trend], TREND_WIDTH);
  const battery = "bess-1/active-power" in state.detail.notes ? "bess-1" : "bess-2";
  const upsRow = powerRow(state, paint, {
    name: "UPS, inference",
    watts: power.ups,
    id: "m-ups/active-power",
    isSigned: false,
  });
  const cooling = powerRow(state, paint, {
    name: "cooling, heat",
    watts: power.mechanical,
    id: "m-mech/active-power",
    isSigned: false,
  });
  const balance = fixed(scaled(power.balance_error, 100), 2);
  return [
    ` POWER  MW                            last minute, high and low`,
    row("grid import", power.grid, "pcc-meter/active-power", "grid"),
    row("battery", power.bess, `${battery}/active-power`, "battery"),
    row("training", power.training, "m-train/active-power", "load"),
    `${upsRow}transformers${megawatts(power.losses)}`,
    `${cooling}balance      ${balance} %`,
  ];
}

function batteryLines(state: DemoState, paint: Paint): string[] {
  const { bess, ups, grid } = state.plant;
  const soc = middle(bess.map((unit) => unit.soc));
  const units = bess.map((unit, at) => {
    const { id, w, soc: charge } = unit;
    const note = state.detail.notes[`${id}/active-power`];
    if (note?.isBad === true) return `${id} — ${paint(note.text, "red")}`;
    const word = unit.state === "fault" ? paint("FAULT", "red") : (unit.state ?? "—");
    const cel = fixed(state.detail.bess[at]?.temperatureCel ?? null, 0);
    const limits = [unit.limit_discharge_w, unit.limit_charge_w].map((limitW) =>
      fixed(scaled(limitW, 1e-6), 1),
    );
    return (
      `${id} ${megawatts(w, true).trim()} ${word} ${fixed(charge, 1)} % ${cel} °C  ` +
      `limit +${limits.join("/−")}`
    );
  });
  const status = state.control?.status;
  const setpoint = signed(scaled(status?.totalW ?? null, 1e-6), 2);
  const runtime = duration(leastOf(ups.map((unit) => unit.runtime_s)));
  const hertz = fixed(grid.frequency_hz, 2);
  const kilovolts = fixed(scaled(grid.voltage_v, 1e-3), 1);
  return [
    `BATTERY ${fixed(soc, 1)} %  ${gauge(soc, 20)} reserve 30 %`,
    ...units,
    `setpoint ${setpoint} by ${status?.bindingLevel ?? "—"}   runtime ${runtime}`,
    `UPS  ${ups.map((unit) => upsText(state, paint, unit)).join("  ")}`,
    `GRID ${hertz} Hz  ${kilovolts} kV  ramp ${signed(scaled(state.rampWPerS, 1e-6), 2)} MW/s`,
  ];
}

/** Of what is known. */
function leastOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function cduLines(state: DemoState, paint: Paint): string[] {
  const { cdu } = state.plant;
  const row = (name: string, texts: readonly string[]): string =>
    ` ${name.padEnd(7)}${texts.join("")}`;
  const cells = (pick: (unit: (typeof cdu)[number]) => string): string[] =>
    cdu.map((unit) => pick(unit).padStart(8));
  const pumps = cdu.map((_unit, at) => {
    const flows = state.detail.cdu[at]?.pumpFlows ?? [];
    if (flows.length === 0 || flows.includes(null)) return "—".padStart(8);
    const lost = stoppedPumps(flows);
    const text = `${flows.length - lost.length}/${flows.length}`;
    return lost.length === 0 ? text.padStart(8) : paint(`${text} STOP`.padStart(8), "red");
  });
  const leaks = cdu.map(({ leak }) => {
    if (leak === true) return paint("LEAK".padStart(8), "red");
    return (leak === null ? "—" : "no").padStart(8);
  });
  return [
    row(
      "CDU",
      cells(({ id }) => id.slice(4)),
    ),
    row(
      "supply",
      cells(({ supply_c: cel }) => fixed(cel, 1)),
    ),
    row(
      "return",
      cells(({ return_c: cel }) => fixed(cel, 1)),
    ),
    row(
      "L/min",
      cells(({ flow_lpm: flow }) => fixed(flow, 0)),
    ),
    row("pumps", pumps),
    row("leak", leaks),
  ];
}

function facilityLines(state: DemoState, paint: Paint): string[] {
  const { chw, heat, cdu } = state.plant;
  const { detail } = state;
  const leaks = cdu.filter(({ leak }) => leak === true).map(({ id }) => id);
  const note = detail.notes["heat-meter-1/heat-rate"];
  const rate = note?.isBad === true ? paint(`— ${note.text}`, "red") : megawatts(heat.w).trim();
  return [
    `FACILITY  fans ${fixed(detail.fanPercent, 0)} %  outside ${fixed(detail.ambientCel, 1)} °C`,
    `CHILLED   ${fixed(chw.supply_c, 1)} / ${fixed(chw.return_c, 1)} °C  ` +
      `${chw.running} of 4, free ${fixed(chw.free_pct, 0)} %`,
    `HEAT      ${rate} MW at ${fixed(heat.supply_c, 1)} °C  return ${fixed(heat.return_c, 1)}`,
    `          ${thousands(detail.heatFlowLPerMin)} L/min  ` +
      `counted ${fixed(scaled(detail.heatEnergyWh, 1e-6), 2)} MWh`,
    `ROOM      ${fixed(detail.roomCel, 1)} °C  ${fixed(detail.roomHumidity, 0)} %  ` +
      `dew point ${fixed(detail.dewPointCel, 1)} °C`,
    `LEAK      ${leaks.length > 0 ? paint(leaks.join(" "), "red") : "none"}`,
  ];
}

/** Two columns of links; where there are more than fit, the last line says how many. */
function linkLines(links: readonly LinkRow[], paint: Paint): string[] {
  const head = " LINK            round trip      age   req/s  errors";
  const cells = links.map((link) => linkText(link, paint));
  const left = cells.slice(0, LINK_ROWS);
  const right = cells.slice(LINK_ROWS, 2 * LINK_ROWS);
  return Array.from({ length: LINK_ROWS + 1 }, (_, at) =>
    at === 0
      ? padTo(head, LINK_WIDTH) + head
      : padTo(left[at - 1] ?? "", LINK_WIDTH) + (right[at - 1] ?? ""),
  );
}

function linkText(link: LinkRow, paint: Paint): string {
  const { connection, roundTripMs, ageMs, requestsPerS, errors } = link;
  const trip = `${fixed(roundTripMs ?? null, 1)} ms`.padStart(10);
  const age = ageMs === null ? paint("no value".padStart(9), "red") : milliseconds(ageMs);
  const count = String(errors).padStart(8);
  return (
    ` ${connection.padEnd(15)}${trip}${age}${fixed(requestsPerS, 1, 8)}` +
    (errors > 0 ? paint(count, "yellow") : count)
  );
}

function milliseconds(ms: number): string {
  return (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`).padStart(9);
}

function gatewayLines(state: DemoState, paint: Paint): string[] {
  const { quality, cycle, outbox, mqtt } = state.plant;
  const { gateway, control } = state;
  const leases = control?.status.leases ?? [];
  const leased = leases
    .map(({ asset, remainingMs }) => `${asset} ${Math.ceil(remainingMs / 1_000)} s`)
    .join(", ");
  const cpu = (percent: number | null): string => `${fixed(percent, 0)} %`;
  const overruns = `overruns ${cycle.overruns ?? "—"}`;
  const bad = `${quality.bad} bad`;
  return [
    ` GATEWAY  control ${cycle.period_ms} ms  p50 ${signed(gateway.latenessP50Ms, 1)} ms  ` +
      `p99 ${signed(cycle.jitter_p99_ms, 1)} ms  ` +
      `${(cycle.overruns ?? 0) > 0 ? paint(overruns, "yellow") : overruns}   ` +
      `CPU ${cpu(gateway.controlCpu)}  field ${cpu(gateway.fieldCpu)}  ` +
      `services ${cpu(gateway.servicesCpu)}   ${quality.good} good ` +
      (quality.bad > 0 ? paint(bad, "red") : bad),
    ` OUTBOX   ${outbox.depth} waiting   oldest ${fixed(gateway.oldestWaitingS, 0)} s   ` +
      `sent ${thousands(outbox.sent)}   lost ${outbox.lost}   ` +
      `${thousands(mqtt.samples_per_s)}/s   leases ${leased === "" ? "none" : leased}   ` +
      `command steps ${gateway.commandSteps}`,
    ` WHY      ${whyLine(control, state.selectedUnit)}`,
  ];
}
