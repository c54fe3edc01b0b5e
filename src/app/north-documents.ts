import { existsSync } from "node:fs";
import { BatteryStatus } from "../dcpi/battery-status.ts";
import type { Speaker } from "../dcpi/document.ts";
import { PowerRealtime } from "../dcpi/power-realtime.ts";
import { type GatewayState, statusDocument } from "../dcpi/status.ts";
import { ThermalStatus } from "../dcpi/thermal-status.ts";
import type { Clock } from "../domain/time.ts";
import type { Publisher } from "../northbound/publisher.ts";
import type { PointImage } from "../points/image.ts";
import { every } from "./every.ts";
import { VERSION } from "./package-root.ts";
import type { SiteContext } from "./site-context.ts";

/** Kept documents expire when three of their periods passed without a new one. */
const EXPIRY_PERIODS = 3;
/** The status is said again this often, so that a lost broker learns it. */
const STATUS_EVERY_MS = 10_000;
/** Made by systemd-timesyncd when the clock has followed its source. */
const CLOCK_MARK = "/run/systemd/timesync/synchronized";

export interface DocumentParts {
  readonly context: SiteContext;
  readonly speaker: Speaker;
  readonly prefix: string;
  readonly publisher: Publisher;
  readonly image: PointImage;
  readonly clock: Clock;
  readonly bootId: string;
  /** Why the gateway is degraded; empty when it is not. */
  readonly reasons: () => readonly string[];
}

/** The documents that are made from the newest image instead of from a round. */
export class NorthDocuments {
  readonly #parts: DocumentParts;
  readonly #power: PowerRealtime;
  readonly #battery: BatteryStatus;
  readonly #thermal: ThermalStatus;
  #statusKey = "";
  #statusAt = -Infinity;

  constructor(parts: DocumentParts) {
    this.#parts = parts;
    const { context, speaker } = parts;
    const meters = context.site.meters;
    const group = context.site.control?.batteries[0]?.id ?? "battery";
    this.#power = new PowerRealtime(context.table, speaker, {
      compute: meters?.compute ?? [],
      cooling: meters?.cooling ?? [],
      infrastructure: meters?.infrastructure ?? [],
      nominalVoltageV: meters?.nominalVoltageV,
    });
    this.#battery = new BatteryStatus(context.table, speaker, group);
    this.#thermal = new ThermalStatus(context.table, speaker);
  }

  /** Publishes until `signal` aborts; each document at its own period, never in a burst. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, context } = this.#parts;
    const { realtimeMs, statusMs } = context.site.mqtt;
    await Promise.all([
      every(clock, realtimeMs, signal, () => {
        this.#realtime();
      }),
      every(clock, statusMs, signal, () => {
        this.#kept(statusMs);
        this.status();
      }),
    ]);
  }

  /** Says the gateway's state when it changed, or when it was long ago. */
  status(): void {
    const { speaker, prefix, publisher, clock, bootId, reasons } = this.#parts;
    const why = reasons();
    const state: GatewayState = why.length === 0 ? "online" : "degraded";
    const key = `${state} ${why.join(" ")}`;
    if (key === this.#statusKey && clock.now() - this.#statusAt < STATUS_EVERY_MS) return;
    this.#statusKey = key;
    this.#statusAt = clock.now();
    const facts = {
      state,
      bootId,
      version: VERSION,
      clock: { isSynchronized: existsSync(CLOCK_MARK), offsetMs: undefined },
      reasons: why,
    };
    publisher.setRetained({
      topic: `${prefix}status`,
      payload: statusDocument(speaker, facts, clock.utcNow()),
      expirySeconds: undefined,
    });
  }

  #realtime(): void {
    const { publisher, prefix, image, clock } = this.#parts;
    if (!publisher.counters().connected) return;
    image.take(clock.now());
    publisher.publishNow(`${prefix}power/realtime`, this.#power.encode(image.view, clock.utcNow()));
  }

  #kept(periodMs: number): void {
    const { publisher, prefix, image, clock } = this.#parts;
    const expirySeconds = Math.max(1, Math.ceil((EXPIRY_PERIODS * periodMs) / 1_000));
    image.take(clock.now());
    const at = clock.utcNow();
    const keep = (topic: string, payload: Uint8Array): void => {
      publisher.setRetained({ topic: prefix + topic, payload, expirySeconds });
    };
    keep("battery/status", this.#battery.encode(image.view, at));
    keep("thermal/status", this.#thermal.encode(image.view, at));
  }
}
