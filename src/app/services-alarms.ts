import { gatewayDeviceId } from "../config/point-table.ts";
import { gravestSeverity } from "../domain/alarms/severities.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Producer } from "../domain/point.ts";
import type { UtcMs } from "../domain/time.ts";

/** How often services looks at what stands, ms. */
export const LOOK_MS = 1_000;
/**
 * So long nobody north may be there, or a process not be heard, before it is an alarm, ms. Shorter
 * than the board waits for what stands to be told again by a services that was restarted.
 */
export const PATIENCE_MS = 30_000;
/** What happened once stands for so long: whoever lists alarms after a restart finds it, too. */
export const ONCE_STANDS_MS = 600_000;

const DEVICE = gatewayDeviceId("services");
/** Whatever else services might tell is none of its alarms. */
const DEVICES: ReadonlyMap<string, readonly string[]> = new Map([
  ["upstream-lost", [DEVICE]],
  ["producer-not-heard", [gatewayDeviceId("control"), gatewayDeviceId("field")]],
  ["store-level", [DEVICE]],
  ["rounds-lost", [DEVICE]],
  ["store-corrupt", [DEVICE]],
  ["producer-restarted", [DEVICE]],
]);

/** How services is doing at a moment. */
export interface ServicesSight {
  readonly now: number;
  readonly utc: UtcMs;
  readonly isUpstream: boolean;
  readonly links: ReadonlyMap<Producer, boolean>;
}

interface Standing {
  readonly event: PlantEvent;
  /** Monotonic ms; undefined: until its cause is gone. */
  readonly until: number | undefined;
}

/**
 * What stands of what services finds by itself, as beginnings and ends for the alarm board. There
 * are as few as the names above, each with one text.
 */
export class ServicesAlarms {
  readonly #tell: (event: PlantEvent) => void;
  readonly #standing = new Map<string, Standing>();
  /** Since when each of these is not there, monotonic ms. */
  readonly #missingSince = new Map<string, number>();

  constructor(tell: (event: PlantEvent) => void) {
    this.#tell = tell;
  }

  /** What services tells north: the store's level stands, what happened once stands for a while. */
  take(event: PlantEvent, now: number): void {
    const mine = ofServices({ ...event, device: DEVICE, phase: "raised" });
    if (mine === undefined) return;
    if (event.id !== "store-level") this.#raise(mine, now + ONCE_STANDS_MS);
    else if (event.severity === "info") this.#clear(mine);
    else this.#raise(mine, undefined);
  }

  /** To be called once a second. */
  look({ now, utc, isUpstream, links }: ServicesSight): void {
    for (const { event, until } of [...this.#standing.values()])
      if (until !== undefined && now >= until) this.#clear({ ...event, at: utc });
    this.#watch(isUpstream, { now, utc }, (since) => ({
      id: "upstream-lost",
      device: DEVICE,
      text: `no broker has taken anything since ${since}; it is kept until one does`,
    }));
    for (const producer of ["control", "field"] as const) {
      const device = gatewayDeviceId(producer);
      const isHeard = links.get(producer) === true;
      this.#watch(isHeard, { now, utc }, (since) => ({
        id: "producer-not-heard",
        device,
        text: `${device} has not been heard since ${since}: nothing of it goes north`,
      }));
    }
  }

  #watch(
    isThere: boolean,
    { now, utc }: Pick<ServicesSight, "now" | "utc">,
    wordsOf: (since: string) => Pick<PlantEvent, "id" | "text"> & { readonly device: string },
  ): void {
    const { id, device } = wordsOf("");
    const key = keyOf({ id, device });
    if (isThere) this.#missingSince.delete(key);
    const sinceMs = isThere ? now : (this.#missingSince.get(key) ?? now);
    if (!isThere) this.#missingSince.set(key, sinceMs);
    const standing = this.#standing.get(key);
    if (isThere && standing !== undefined) this.#clear({ ...standing.event, at: utc });
    if (isThere || standing !== undefined || now - sinceMs < PATIENCE_MS) return;
    const words = wordsOf(new Date(utc - (now - sinceMs)).toISOString());
    const severity = gravestSeverity(id) ?? "warning";
    this.#raise({ ...words, severity, phase: "raised", point: undefined, at: utc }, undefined);
  }

  #raise(event: PlantEvent, until: number | undefined): void {
    this.#standing.set(keyOf(event), { event, until });
    this.#tell(event);
  }

  #clear(event: PlantEvent): void {
    if (!this.#standing.delete(keyOf(event))) return;
    this.#tell({ ...event, phase: "cleared" });
  }
}

/**
 * An event of services as the board may take it; undefined: it is none that services may tell.
 * Services is the process that talks with the world: it names no alarm but its own, and ends no
 * other.
 */
export function ofServices(event: PlantEvent): PlantEvent | undefined {
  const { id, device, phase } = event;
  const severity = gravestSeverity(id);
  const isOwn = device !== undefined && DEVICES.get(id)?.includes(device) === true;
  if (!isOwn || severity === undefined || phase === "once") return undefined;
  return { ...event, severity, point: undefined, text: event.text.replace(/\p{Cc}/gu, " ") };
}

function keyOf({ id, device }: Pick<PlantEvent, "id" | "device">): string {
  return `${id} ${device ?? ""}`;
}
