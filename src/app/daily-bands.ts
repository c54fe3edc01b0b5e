/** Bands of the load's swing, Hz: slow steps, iterations, fast iterations, their harmonics. */
export const BANDS_HZ: readonly (readonly [low: number, high: number])[] = [
  [0.1, 0.5],
  [0.5, 1.5],
  [1.5, 4],
  [4, 10],
];
/** Of the sampling rate: above it nothing is known. */
const HIGHEST_SHARE = 0.45;
/** Sections of second order, each of them a Butterworth filter. */
const QUALITY = Math.SQRT1_2;
/** A filter has forgotten its beginning after so many periods of its lower edge. */
const SETTLE_PERIODS = 3;
/** Below this part of the connection the load is called still: then there is no ratio. */
export const STILL_SHARE = 0.0005;

/** Coefficients of a section, with its memory. */
interface Section {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
  first: number;
  second: number;
}

/** Sums of one band over a day, W² times samples. */
export interface BandSums {
  load: number;
  grid: number;
  samples: number;
}

/** How strongly load and grid swing in each band: a filter bank over what each cycle measures. */
export class BandBank {
  /** Those that this rate of cycles can see. */
  readonly bandsHz: readonly (readonly [low: number, high: number])[];
  readonly #load: readonly (readonly Section[])[];
  readonly #grid: readonly (readonly Section[])[];
  readonly #settleSamples: readonly number[];
  #since = 0;
  #offsetW = Number.NaN;

  constructor(periodMs: number) {
    const rateHz = 1_000 / periodMs;
    const highestHz = HIGHEST_SHARE * rateHz;
    this.bandsHz = BANDS_HZ.filter(([low]) => low < highestHz / 2).map(
      ([low, high]) => [low, Math.min(high, highestHz)] as const,
    );
    const bank = (): readonly (readonly Section[])[] =>
      this.bandsHz.map(([low, high]) => [
        highPass(low / rateHz),
        ...(high < highestHz ? [lowPass(high / rateHz)] : []),
      ]);
    this.#load = bank();
    this.#grid = bank();
    this.#settleSamples = this.bandsHz.map(([low]) => Math.ceil((SETTLE_PERIODS * rateHz) / low));
  }

  /** Adds one sample to the sums; one that is not known begins everything anew. */
  add(loadW: number, gridW: number, sums: readonly BandSums[]): void {
    if (!Number.isFinite(loadW) || !Number.isFinite(gridW)) {
      this.#begin();
      return;
    }
    // A filter that begins at zero would see a step of the whole load.
    if (Number.isNaN(this.#offsetW)) this.#offsetW = loadW;
    this.#since += 1;
    for (const [place, sum] of sums.entries()) {
      const load = through(this.#load[place] ?? [], loadW - this.#offsetW);
      const grid = through(this.#grid[place] ?? [], gridW - this.#offsetW);
      if (this.#since <= (this.#settleSamples[place] ?? 0)) continue;
      sum.load += load * load;
      sum.grid += grid * grid;
      sum.samples += 1;
    }
  }

  #begin(): void {
    this.#since = 0;
    this.#offsetW = Number.NaN;
    for (const sections of [...this.#load, ...this.#grid])
      for (const section of sections) {
        section.first = 0;
        section.second = 0;
      }
  }
}

/** rms of the grid / rms of the load, dB; undefined while the load is still. */
export function gainDb({ load, grid, samples }: BandSums, stillW: number): number | undefined {
  if (samples === 0 || load / samples < stillW * stillW) return undefined;
  return 10 * Math.log10(Math.max(grid, Number.MIN_VALUE) / load);
}

function through(sections: readonly Section[], value: number): number {
  let out = value;
  for (const section of sections) {
    const into = out;
    out = section.b0 * into + section.first;
    section.first = section.b1 * into - section.a1 * out + section.second;
    section.second = section.b2 * into - section.a2 * out;
  }
  return out;
}

/** @param edge part of the sampling rate. By the bilinear transform, with the edge kept */
function lowPass(edge: number): Section {
  const { cos, alpha } = angle(edge);
  return section([(1 - cos) / 2, 1 - cos, (1 - cos) / 2], cos, alpha);
}

function highPass(edge: number): Section {
  const { cos, alpha } = angle(edge);
  return section([(1 + cos) / 2, -(1 + cos), (1 + cos) / 2], cos, alpha);
}

function angle(edge: number): { readonly cos: number; readonly alpha: number } {
  const turn = 2 * Math.PI * edge;
  return { cos: Math.cos(turn), alpha: Math.sin(turn) / (2 * QUALITY) };
}

function section(b: readonly [number, number, number], cos: number, alpha: number): Section {
  const a0 = 1 + alpha;
  return {
    b0: b[0] / a0,
    b1: b[1] / a0,
    b2: b[2] / a0,
    a1: (-2 * cos) / a0,
    a2: (1 - alpha) / a0,
    first: 0,
    second: 0,
  };
}
