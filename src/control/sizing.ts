import { dischargeNeedJ, guaranteedJ, marginJ } from "./smoothing/governor.ts";
import type { SmoothingSettings } from "./smoothing/settings.ts";

/** A site at the desk: what a battery is asked for, and what it has. W, J, s. */
export interface SizingSite {
  readonly settings: SmoothingSettings;
  /** Between the reserve and the ceiling. */
  readonly usableJ: number;
  /** Below, kept for the loss of the grid. */
  readonly reserveJ: number;
  /** At 100 %: a full cycle. */
  readonly capacityJ: number;
  /** What the reserve has to carry when the grid is lost. */
  readonly rideThroughW: number;
  /** Undefined: no peak cap. */
  readonly peakCapW: number | undefined;
}

/** What a site needs, what its battery guarantees, and what nothing can. W, J, s. */
export interface SizingReport {
  readonly site: SizingSite;
  /** How far the load may go from one moment to the next. */
  readonly rangeW: number;
  /** For the ramp alone, the larger of both directions, without margins. */
  readonly rampJ: number;
  /** On each side, for the delay, the cycle and the error of the energy reading. */
  readonly marginJ: number;
  /** With both margins. */
  readonly neededJ: number;
  /** Not negative. */
  readonly missingJ: number;
  readonly missingDischargeW: number;
  readonly missingChargeW: number;
  readonly isGuaranteed: boolean;
  /** Slowest ramps that this battery can keep the range at; undefined: none, it is too small. */
  readonly bestUpWPerS: number | undefined;
  readonly bestDownWPerS: number | undefined;
  /** Largest range that this battery keeps at the ramps of the site. */
  readonly largestRangeW: number;
  readonly largestRangeBy: "energy" | "power";
  readonly announced: AnnouncedNeed;
  /** What an unannounced step of the whole range gives to the grid before any answer. */
  readonly pulseJ: number;
  readonly rideThroughS: number;
  readonly peak: PeakHold | undefined;
  readonly iterations: IterationWear;
}

/** A step of the whole range that is announced in time. */
export interface AnnouncedNeed {
  readonly leadS: number;
  readonly energyJ: number;
  readonly powerW: number;
}

/** The load stays at its highest, from a full battery on. */
export interface PeakHold {
  readonly overW: number;
  /** Infinity where the load never exceeds the cap. */
  readonly holdS: number;
  /** Part of the excess that is beyond the converters. */
  readonly shortW: number;
}

/** A square wave of the whole range, all day: what training looks like. */
export interface IterationWear {
  readonly dailyJ: number;
  readonly cyclesPerDay: number;
  /** Of a day, until the throughput of the settings is used up; at most 86,400. */
  readonly budgetS: number;
}

const DAY_S = 86_400;

/** What can be said of a site before it is built. */
export function sizing(site: SizingSite): SizingReport {
  const { settings, usableJ, reserveJ, rideThroughW } = site;
  const delayS = settings.delayMs / 1_000;
  const rangeW = settings.highW - settings.lowW;
  const edgeJ = marginJ(settings, delayS);
  const neededJ = guaranteedJ(settings, delayS);
  const missingJ = Math.max(neededJ - usableJ, 0);
  const missingDischargeW = Math.max(rangeW - settings.dischargeRatingW, 0);
  const missingChargeW = Math.max(rangeW - settings.chargeRatingW, 0);
  return {
    site,
    rangeW,
    rampJ: neededJ - 2 * edgeJ,
    marginJ: edgeJ,
    neededJ,
    missingJ,
    missingDischargeW,
    missingChargeW,
    isGuaranteed: missingJ === 0 && missingDischargeW === 0 && missingChargeW === 0,
    ...bestRamps(site, rangeW, edgeJ),
    ...largestRange(site, rangeW, edgeJ),
    announced: announcedNeed(settings, rangeW),
    pulseJ: rangeW * delayS,
    rideThroughS:
      rideThroughW > 0 ? (reserveJ * settings.dischargeEfficiency) / rideThroughW : Infinity,
    peak: peakHold(site, edgeJ),
    iterations: iterationWear(site, rangeW),
  };
}

function bestRamps(
  { settings, usableJ }: SizingSite,
  rangeW: number,
  edgeJ: number,
): Pick<SizingReport, "bestUpWPerS" | "bestDownWPerS"> {
  const freeJ = usableJ - 2 * edgeJ;
  if (freeJ <= 0) return { bestUpWPerS: undefined, bestDownWPerS: undefined };
  const { dischargeEfficiency, chargeEfficiency } = settings;
  return {
    bestUpWPerS: rangeW ** 2 / (2 * dischargeEfficiency * freeJ),
    bestDownWPerS: (chargeEfficiency * rangeW ** 2) / (2 * freeJ),
  };
}

/** Where need(range) meets the usable energy: a · range² + b · range + c = usable. */
function largestRange(
  { settings, usableJ }: SizingSite,
  rangeW: number,
  edgeJ: number,
): Pick<SizingReport, "largestRangeW" | "largestRangeBy"> {
  const { rampUpWPerS, rampDownWPerS, dischargeEfficiency, chargeEfficiency } = settings;
  const a = Math.max(
    1 / (2 * rampUpWPerS * dischargeEfficiency),
    chargeEfficiency / (2 * rampDownWPerS),
  );
  const b = (2 * (edgeJ - settings.energyErrorJ)) / rangeW;
  const freeJ = Math.max(usableJ - 2 * settings.energyErrorJ, 0);
  const energyW = (Math.sqrt(b * b + 4 * a * freeJ) - b) / (2 * a);
  const powerW = Math.min(settings.dischargeRatingW, settings.chargeRatingW);
  return powerW < energyW
    ? { largestRangeW: powerW, largestRangeBy: "power" }
    : { largestRangeW: energyW, largestRangeBy: "energy" };
}

/** The grid goes half of the way before the step, and the other half after it. */
function announcedNeed(settings: SmoothingSettings, rangeW: number): AnnouncedNeed {
  const { rampUpWPerS, rampDownWPerS, dischargeEfficiency } = settings;
  const rampWPerS = Math.min(rampUpWPerS, rampDownWPerS);
  return {
    leadS: rangeW / (2 * rampWPerS),
    energyJ: rangeW ** 2 / (8 * rampWPerS * dischargeEfficiency),
    powerW: rangeW / 2,
  };
}

function peakHold(
  { settings, usableJ, peakCapW }: SizingSite,
  edgeJ: number,
): SizingReport["peak"] {
  if (peakCapW === undefined) return undefined;
  const { lowW, highW, dischargeRatingW } = settings;
  const overW = Math.max(highW - peakCapW, 0);
  if (overW === 0) return { overW, holdS: Infinity, shortW: 0 };
  const shortW = Math.max(overW - dischargeRatingW, 0);
  const envelope = { lowW, highW, laterLowW: lowW, laterHighW: highW, laterInS: 0 };
  // What the ramp up to the load takes afterwards is not there for holding.
  const spareJ = usableJ - dischargeNeedJ(settings, envelope, Math.max(peakCapW, lowW)) - edgeJ;
  const givenW = overW - shortW;
  return { overW, holdS: (Math.max(spareJ, 0) * settings.dischargeEfficiency) / givenW, shortW };
}

/** Half of the time half of the range is given, less what the dead band leaves to the grid. */
function iterationWear({ settings, capacityJ }: SizingSite, rangeW: number): IterationWear {
  const givenW = Math.max(rangeW / 2 - settings.deadbandW, 0) / 2;
  const dailyJ = givenW * DAY_S;
  return {
    dailyJ,
    cyclesPerDay: dailyJ / capacityJ,
    budgetS: dailyJ > 0 ? Math.min(settings.dailyThroughputJ / dailyJ, 1) * DAY_S : DAY_S,
  };
}

/** The report in sentences, for whoever buys or commissions the battery. */
export function sizingText(report: SizingReport): readonly string[] {
  return [
    ...needText(report),
    ...limitText(report),
    announcedText(report),
    pulseText(report),
    ...iterationText(report),
    ...reserveText(report),
    ...peakText(report),
  ];
}

function needText(report: SizingReport): readonly string[] {
  const { site, rangeW, neededJ, marginJ: edgeJ } = report;
  const { settings, usableJ } = site;
  const lines = [
    `The load may go by ${power(rangeW)} at any moment. With a grid ramp of ` +
      `${ramp(settings.rampUpWPerS)} up and ${ramp(settings.rampDownWPerS)} down that needs ` +
      `${energy(neededJ)} (${energy(edgeJ)} of it as margin on each side) and ` +
      `${power(rangeW)} of converters.`,
    `The battery has ${energy(usableJ)} between reserve and ceiling, ` +
      `${power(settings.dischargeRatingW)} discharging and ${power(settings.chargeRatingW)} ` +
      `charging.`,
  ];
  if (report.isGuaranteed) lines.push("The ramp is guaranteed for every load in that range.");
  if (report.missingJ > 0)
    lines.push(`NOT guaranteed: ${energy(report.missingJ)} are missing for the ramp.`);
  if (report.missingDischargeW > 0)
    lines.push(
      `NOT guaranteed: a rise beyond ${power(settings.dischargeRatingW)} at once reaches the ` +
        `grid, up to ${power(report.missingDischargeW)} of it; it is declared when it happens.`,
    );
  if (report.missingChargeW > 0)
    lines.push(
      `NOT guaranteed: a fall beyond ${power(settings.chargeRatingW)} at once reaches the grid, ` +
        `up to ${power(report.missingChargeW)} of it; it is declared when it happens.`,
    );
  return lines;
}

function limitText({ bestUpWPerS, bestDownWPerS, ...report }: SizingReport): readonly string[] {
  const best =
    bestUpWPerS === undefined || bestDownWPerS === undefined
      ? "NOT guaranteed: any ramp; the margins alone are more than this battery has."
      : `The slowest grid ramp that its energy allows for that range is ${ramp(bestUpWPerS)} up ` +
        `and ${ramp(bestDownWPerS)} down.`;
  const by = report.largestRangeBy === "power" ? "its converters" : "its energy";
  return [
    best,
    `At the ramp of this site it is enough for a load that goes by at most ` +
      `${power(report.largestRangeW)}; ${by} end there.`,
  ];
}

function announcedText({ announced, rangeW }: SizingReport): string {
  return (
    `A step of ${power(rangeW)} that is announced ${seconds(announced.leadS)} ahead needs ` +
    `${energy(announced.energyJ)} and ${power(announced.powerW)}; earlier is of no use.`
  );
}

function pulseText({ rangeW, pulseJ, site }: SizingReport): string {
  return (
    `NOT guaranteed, by any setting: a step that nobody announces is seen by the grid for the ` +
    `${site.settings.delayMs} ms until the battery answers, ${power(rangeW)} and ` +
    `${energy(pulseJ)} at most.`
  );
}

function iterationText({ iterations, rangeW }: SizingReport): readonly string[] {
  const lines = [
    `Iterations of ${power(rangeW)} all day take ${energy(iterations.dailyJ)} out of the ` +
      `battery, ${iterations.cyclesPerDay.toFixed(1)} full cycles a day.`,
  ];
  if (iterations.budgetS < DAY_S)
    lines.push(
      `NOT guaranteed: such a load uses up the day's throughput in ` +
        `${seconds(iterations.budgetS)}; then smoothing rests.`,
    );
  return lines;
}

function reserveText({ site, rideThroughS }: SizingReport): readonly string[] {
  if (!Number.isFinite(rideThroughS)) return [];
  return [
    `The reserve of ${energy(site.reserveJ)} carries ${power(site.rideThroughW)} for ` +
      `${seconds(rideThroughS)} when the grid is lost.`,
  ];
}

function peakText({ peak, site }: SizingReport): readonly string[] {
  if (peak === undefined || site.peakCapW === undefined) return [];
  if (peak.overW === 0) return [`The load never exceeds the cap of ${power(site.peakCapW)}.`];
  const lines = [
    `A full battery holds the cap of ${power(site.peakCapW)} against the highest load for ` +
      `${seconds(peak.holdS)}. NOT guaranteed: the cap after that; the import then rises with ` +
      `the ramp.`,
  ];
  if (peak.shortW > 0)
    lines.push(
      `NOT guaranteed: the last ${power(peak.shortW)} of that load are beyond the converters.`,
    );
  return lines;
}

function power(w: number): string {
  return `${digits(w / 1e6)} MW`;
}

function energy(j: number): string {
  const kWh = j / 3.6e6;
  return kWh >= 1_000 ? `${digits(kWh / 1_000)} MWh` : `${digits(kWh)} kWh`;
}

function ramp(wPerS: number): string {
  return `${digits((wPerS * 60) / 1e6)} MW/min`;
}

function seconds(s: number): string {
  if (s < 600) return `${digits(s)} s`;
  return s < 7_200 ? `${digits(s / 60)} min` : `${digits(s / 3_600)} h`;
}

/** Three digits that count, and never an exponent. */
function digits(value: number): string {
  if (value === 0) return "0";
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(places, 6));
}
