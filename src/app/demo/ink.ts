import type { TrendSpan } from "./trend.ts";

/** What a colour says; a word beside it always says the same. */
export type Tone = "plain" | "yellow" | "red" | "cyan" | "magenta" | "dim" | "inverse";

export type Paint = (text: string, tone: Tone) => string;

const TONES: Readonly<Record<Tone, string>> = {
  plain: "",
  yellow: "33",
  red: "31",
  cyan: "36",
  magenta: "35",
  dim: "2",
  inverse: "7",
};
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const STEPS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
const SEQUENCE = /\u001b\[[0-9;]*m/g;
/** What a swing has to reach to fill a sparkline, W: noise on a steady value is no swing. */
const LEAST_SPAN_W = 500_000;

export function painter(hasColour: boolean): Paint {
  return (text, tone) =>
    hasColour && tone !== "plain" ? `\u001b[${TONES[tone]}m${text}\u001b[0m` : text;
}

/** How many columns a text takes; escape sequences take none. */
export function widthOf(text: string): number {
  return Array.from(text.replaceAll(SEQUENCE, "")).length;
}

export function padTo(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** Cuts to the width of the screen and shows that it did. */
export function clip(line: string, width: number): string {
  return widthOf(line) <= width ? line : `${firstOf(line, width - 1)}…`;
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

/** Always seven columns: ` +12.34`. */
export function megawatts(watts: number | null, isSigned = false): string {
  if (watts === null) return "—".padStart(7);
  const text = (Math.abs(watts) / 1e6).toFixed(2);
  const isNought = Number(text) === 0;
  const sign = isNought ? "" : watts < 0 ? "−" : isSigned ? "+" : "";
  return `${sign}${text}`.padStart(7);
}

/** The amount alone: what it means is said by its word and sign. */
export function bar(watts: number | null, width: number, fullW: number): string {
  if (watts === null) return "";
  const eighths = Math.floor(Math.min(Math.abs(watts) / fullW, 1) * width * 8);
  return "█".repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? "");
}

export function gauge(percent: number | null, width: number): string {
  if (percent === null) return "—".padEnd(width);
  const eighths = Math.round((Math.min(Math.max(percent, 0), 100) / 100) * width * 8);
  const full = "█".repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? "");
  return full + "░".repeat(width - Array.from(full).length);
}

/** Two columns a span: how high it went and how low. A span of which nothing is known is blank. */
export function sparkline(spans: readonly TrendSpan[], width: number): string {
  const shown = spans.slice(-Math.floor(width / 2));
  const known = shown.filter((span) => span !== null);
  if (known.length === 0) return "".padStart(width);
  const low = Math.min(...known.map(([, value]) => value));
  const high = Math.max(...known.map(([value]) => value));
  const spanW = Math.max(high - low, LEAST_SPAN_W);
  const floorW = (high + low - spanW) / 2;
  const step = (value: number): string =>
    STEPS[Math.min(7, Math.max(0, Math.round(((value - floorW) / spanW) * 7)))] ?? " ";
  return shown
    .map((span) => (span === null ? "  " : step(span[0]) + step(span[1])))
    .join("")
    .padStart(width);
}

export function fixed(value: number | null, digits: number, width = 0): string {
  const text = value === null ? "—" : value.toFixed(digits);
  return text.replace("-", "−").padStart(width);
}

export function scaled(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

export function thousands(value: number | null): string {
  return value === null ? "—" : Math.round(value).toLocaleString("en-US");
}

export function signed(value: number | null, digits: number): string {
  if (value === null) return "—";
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return `+${text}`;
  return `${value < 0 ? "−" : "+"}${text}`;
}

/** Minutes and seconds: `9:54`. */
export function duration(seconds: number | null): string {
  if (seconds === null) return "—";
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

export function clockText(seconds: number): string {
  const part = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  return `${part(seconds / 3600)}:${part((seconds / 60) % 60)}:${part(seconds % 60)}`;
}

/** Null when one part is missing. */
export function total(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return sum;
}

export function middle(values: readonly (number | null)[]): number | null {
  const sum = total(values);
  return sum === null || values.length === 0 ? null : sum / values.length;
}
