import { GatewayError } from "../domain/errors.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { UtcMs } from "../domain/time.ts";
import type { LinkGap } from "../link/round-consumer.ts";
import type { OpenReport, StoreReport } from "../store/rows.ts";
import type { SiteContext } from "./site-context.ts";

const TEXT_MAX_CHARACTERS = 4_000;

/** What the store has to tell, as events for people. */
export function reportEvents(report: StoreReport, at: UtcMs): PlantEvent[] {
  switch (report.kind) {
    case "level": {
      const percent = Math.round(report.usedShare * 100);
      const severity = report.level === "normal" ? "info" : "warning";
      return [once("store-level", severity, `the store is ${percent} % full: ${report.level}`, at)];
    }
    case "lost":
      return report.losses.map((loss) =>
        once(
          "rounds-lost",
          "critical",
          `${loss.rows} messages of ${loss.stream} were given up (${loss.reason}): ` +
            `epoch ${loss.epoch}, ${loss.firstSeq} to ${loss.lastSeq}`,
          at,
        ),
      );
    case "held-dropped":
      return [once("rounds-lost", "critical", `${report.rows} held messages were given up`, at)];
    case "failed":
      return [];
  }
}

/** Tells what the store reports; a loss is confirmed when the event that tells it is on disk. */
export async function tellReport(
  report: StoreReport,
  at: UtcMs,
  to: {
    readonly tell: (event: PlantEvent) => Promise<boolean>;
    readonly store: { readonly confirmLosses: (lossIds: readonly number[]) => void };
  },
): Promise<void> {
  const isStored = await Promise.all(reportEvents(report, at).map(to.tell));
  if (report.kind !== "lost") return;
  const told = report.losses.filter((_, index) => isStored[index] === true);
  if (told.length > 0) to.store.confirmLosses(told.map(({ lossId }) => lossId));
}

/** Undefined when the world refused, as a store that is busy does; the next second asks again. */
export async function unlessRefused<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (!(error instanceof GatewayError)) throw error;
    return undefined;
  });
}

export function corruptEvent(corrupt: NonNullable<OpenReport["corrupt"]>, at: UtcMs): PlantEvent {
  const kept = corrupt.movedTo.join(", ");
  const text = `the database could not be used (${corrupt.why}); it was kept as ${kept}`;
  return once("store-corrupt", "critical", text, at);
}

/** What this consumer will never get, in words that name the last stored and the first new. */
export function gapEvent(gap: LinkGap, context: SiteContext, at: UtcMs): PlantEvent {
  if (gap.kind === "new-epoch")
    return once(
      "producer-restarted",
      "warning",
      `${gap.producer} was started again at ${new Date(gap.startedUtc).toISOString()} ` +
        `(epoch ${gap.epoch}): of epoch ${gap.formerEpoch} everything up to frame ` +
        `${gap.lastFrame} is stored, what came after it is lost`,
      at,
    );
  const streams = [...gap.lastSeqs].map(
    ([stream, seq]) => `${context.table.devices[stream]?.id ?? stream} up to ${seq}`,
  );
  const text =
    `${gap.producer} could not keep frames ${gap.firstFrame} to ${gap.lastFrame} of epoch ` +
    `${gap.epoch}: ${streams.join(", ")}`;
  return once("rounds-lost", "critical", text.slice(0, TEXT_MAX_CHARACTERS), at);
}

function once(id: string, severity: PlantEvent["severity"], text: string, at: UtcMs): PlantEvent {
  return { id, severity, phase: "once", device: undefined, point: undefined, text, at };
}
