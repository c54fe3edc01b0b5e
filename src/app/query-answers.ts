import { GatewayError } from "../domain/errors.ts";
import { isBad, qualityName } from "../domain/quality.ts";
import { type Clock, utcMs } from "../domain/time.ts";
import type { PointDefinition } from "../domain/point.ts";
import type { Answer } from "../link/request-server.ts";
import type { PublisherCounters } from "../northbound/publisher.ts";
import type { PointImage } from "../points/image.ts";
import type { HistoryPage, StoreStats } from "../store/rows.ts";
import type { Store } from "../store/store.ts";
import type { AnnouncementCounters } from "./announcement-intake.ts";
import type { NorthPipeCounters } from "./north-pipe.ts";
import type { ShedDeskStatus } from "./shed-desk.ts";
import type { SiteContext } from "./site-context.ts";

/** Rows of one page of history; a page also has to fit the largest message of the socket. */
const PAGE_ROWS_MAX = 500;
const PAGE_BYTES_MAX = 180_000;
const POINTS_MAX = 1_000;
const DAY_MS = 86_400_000;

export interface QueryParts {
  readonly context: SiteContext;
  readonly store: Store;
  readonly image: PointImage;
  readonly clock: Clock;
  readonly status: () => ServicesStatus;
}

/** What services tells of itself; `control` and `field` are as it sees them. */
export interface ServicesStatus {
  readonly site: string;
  readonly gateway: string;
  readonly version: string;
  readonly bootId: string;
  readonly state: "online" | "degraded";
  readonly reasons: readonly string[];
  readonly links: Readonly<Record<string, boolean>>;
  readonly publisher: PublisherCounters;
  readonly pipe: NorthPipeCounters;
  readonly gate: {
    readonly offered: number;
    readonly overflowed: number;
    readonly oversize: number;
    readonly refused: number;
  };
  readonly announcements: AnnouncementCounters;
  readonly sheds: ShedDeskStatus;
}

/** One point for people. */
export interface PointAnswer {
  readonly id: string;
  readonly field: string;
  readonly unit: string | undefined;
  /** Null when it is bad. */
  readonly value: number | string | boolean | null;
  readonly quality: string;
  readonly ageMs: number | null;
  /** When it was measured, or last good, UTC ms. */
  readonly sourceTime: number | null;
}

/** What `services/queries` answers. No other process opens the database. */
export function queryAnswers(parts: QueryParts): ReadonlyMap<string, Answer> {
  return new Map<string, Answer>([
    ["status", async () => statusAnswer(parts)],
    ["points", async ({ params }) => Promise.resolve(pointsAnswer(parts, params))],
    ["history", async ({ params }) => historyAnswer(parts, params)],
    ["events", async ({ params }) => eventsAnswer(parts, params)],
  ]);
}

async function statusAnswer(
  parts: QueryParts,
): Promise<ServicesStatus & { readonly store: StoreStats; readonly quality: object }> {
  parts.image.take(parts.clock.now());
  const { quality } = parts.image.view;
  let good = 0;
  let bad = 0;
  let count = 0;
  for (const { index, readable } of parts.context.table.points) {
    if (!readable) continue;
    const code = quality[index] ?? 0;
    count += 1;
    if (code === 0) good += 1;
    else if (isBad(code)) bad += 1;
  }
  return {
    ...parts.status(),
    store: await parts.store.stats(),
    quality: { good, uncertain: count - good - bad, bad },
  };
}

function pointsAnswer(parts: QueryParts, params: unknown): readonly PointAnswer[] {
  const { context, image, clock } = parts;
  const filter = textOf(params, "filter") ?? "";
  const from = numberOf(params, "from") ?? 0;
  const now = clock.now();
  image.take(now);
  return context.table.points
    .filter((point) => point.readable && point.id.includes(filter))
    .slice(from, from + POINTS_MAX)
    .map((point) => pointAnswer(point, image, now));
}

function pointAnswer(point: PointDefinition, image: PointImage, now: number): PointAnswer {
  const { values, quality, receivedAt, sourceTimes, texts } = image.view;
  const at = point.index;
  const code = quality[at] ?? 0;
  const received = receivedAt[at] ?? -Infinity;
  const source = sourceTimes[at] ?? Number.NaN;
  return {
    id: point.id,
    field: point.field,
    unit: point.unit,
    value: isBad(code) ? null : shown(point, values[at] ?? Number.NaN, texts.get(at)),
    quality: qualityName(code),
    ageMs: Number.isFinite(received) ? Math.round(now - received) : null,
    sourceTime: Number.isNaN(source) ? null : source,
  };
}

function shown(
  point: PointDefinition,
  value: number,
  text: string | undefined,
): number | string | boolean | null {
  if (text !== undefined) return text;
  switch (point.type) {
    case "bool":
      return value === 1;
    case "enum":
      return point.texts?.[value] ?? null;
    case "text":
      return null;
    case "float":
    case "int":
    case "bits":
      return Number.isFinite(value) ? value : null;
  }
}

async function historyAnswer(parts: QueryParts, params: unknown): Promise<object> {
  const device = textOf(params, "device");
  if (device === undefined)
    throw new GatewayError("REQUEST_REFUSED", { reason: "history needs the name of a device" });
  return pageAnswer(await parts.store.history({ ...rangeOf(parts, params), device }));
}

async function eventsAnswer(parts: QueryParts, params: unknown): Promise<object> {
  return pageAnswer(await parts.store.events(rangeOf(parts, params)));
}

function rangeOf(
  { clock }: QueryParts,
  params: unknown,
): {
  readonly from: ReturnType<typeof utcMs>;
  readonly to: ReturnType<typeof utcMs>;
  readonly limit: number;
  readonly afterId: number | undefined;
  readonly order: "newest-first" | "oldest-first";
} {
  const to = numberOf(params, "to") ?? clock.utcNow() + 1_000;
  return {
    from: utcMs(numberOf(params, "from") ?? to - DAY_MS),
    to: utcMs(to),
    limit: Math.min(PAGE_ROWS_MAX, numberOf(params, "limit") ?? PAGE_ROWS_MAX),
    afterId: numberOf(params, "afterId"),
    order: textOf(params, "order") === "newest-first" ? "newest-first" : "oldest-first",
  };
}

/**
 * Messages as they were sent, cut to what one answer may hold: `last` is the id of the last of
 * them, and behind `next`, the same, there are more.
 */
function pageAnswer(page: HistoryPage): object {
  const decoder = new TextDecoder();
  const messages: unknown[] = [];
  let bytes = 0;
  let last: number | undefined;
  let isCut = false;
  for (const row of page.rows) {
    bytes += row.payload.length;
    if (bytes > PAGE_BYTES_MAX && messages.length > 0) {
      isCut = true;
      break;
    }
    messages.push(JSON.parse(decoder.decode(row.payload)));
    last = row.id;
  }
  if (last === undefined) return { messages };
  return { messages, last, ...(page.more || isCut ? { next: last } : {}) };
}

function textOf(params: unknown, name: string): string | undefined {
  const value = memberOf(params, name);
  return typeof value === "string" ? value : undefined;
}

function numberOf(params: unknown, name: string): number | undefined {
  const value = memberOf(params, name);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function memberOf(params: unknown, name: string): unknown {
  return typeof params === "object" && params !== null
    ? (params as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
