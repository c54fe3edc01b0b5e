/** One figure of a bench: a line of its output. */
export interface Figure {
  readonly bench: string;
  readonly case: string;
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
  /** The same thing done with the least that does it, measured in the same run. */
  readonly floor?: number;
  /** `value` / `floor`. */
  readonly ratio?: number;
  /** Largest value that is acceptable. */
  readonly must?: number;
  /** What we would like. */
  readonly aim?: number;
}

export type Bounds = Pick<Figure, "floor" | "must" | "aim">;

/** Tells one figure of a case. */
export type AddFigure = (metric: string, value: number, unit: string, bounds?: Bounds) => void;

/** Where the figures of one case of a bench go. */
export class FigureSink {
  readonly #bench: string;
  readonly #isJson: boolean;
  #missed = 0;

  constructor(bench: string, isJson: boolean) {
    this.#bench = bench;
    this.#isJson = isJson;
  }

  /** Figures that are beyond what they must be. */
  get missed(): number {
    return this.#missed;
  }

  say(text: string): void {
    process.stderr.write(`${text}\n`);
  }

  /** Takes the figures of one case. */
  forCase(name: string): AddFigure {
    return (metric, value, unit, bounds = {}) => {
      const { floor, must } = bounds;
      if (must !== undefined && !(value <= must)) this.#missed += 1;
      const figure: Figure = {
        bench: this.#bench,
        case: name,
        metric,
        unit,
        value: rounded(value),
        ...bounds,
        ...(floor === undefined || floor === 0
          ? {}
          : { floor: rounded(floor), ratio: rounded(value / floor) }),
      };
      process.stdout.write(`${this.#isJson ? JSON.stringify(figure) : lineOf(figure)}\n`);
    };
  }
}

/** Value below which a share of the sorted values lies; NaN of nothing. */
export function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export interface Quantiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = Float64Array.from(values).sort();
  return {
    count: sorted.length,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

function lineOf(figure: Figure): string {
  const { case: name, metric, value, unit, floor, ratio, must, aim } = figure;
  const verdict = must === undefined ? "" : value <= must ? "ok  " : "MISS";
  const bounds = [
    floor === undefined ? "" : `floor ${floor}${ratio === undefined ? "" : ` (x${ratio})`}`,
    must === undefined ? "" : `must ${must}`,
    aim === undefined ? "" : `aim ${aim}${value <= aim ? " reached" : ""}`,
  ].filter((text) => text !== "");
  const measured = `${String(value).padStart(10)} ${unit.padEnd(22)}`;
  const what = `${name.padEnd(20)} ${metric.padEnd(34)}`;
  return `${what} ${measured} ${verdict} ${bounds.join(", ")}`.trimEnd();
}
