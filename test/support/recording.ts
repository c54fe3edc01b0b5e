import { FlightRecorder } from "../../src/app/flight-recorder.ts";
import { type SegmentDisk, SegmentFiles } from "../../src/app/flight-recorder-files.ts";
import { segmentHeader } from "../../src/app/flight-recorder-settings.ts";
import { itemsOf, type RecordingItem } from "../../src/app/replay-files.ts";
import { controlPlan } from "../../src/app/control-settings.ts";
import { assert } from "../../src/domain/assert.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import type { VirtualSite } from "./virtual-site.ts";

const SEGMENT_BYTES = 64 * 1_024 * 1_024;

/** Files in memory, with room for so many bytes. */
export class MemoryDisk implements SegmentDisk {
  readonly files = new Map<string, Uint8Array[]>();
  roomBytes = Infinity;
  readonly #open: string[] = [];

  bytesOf(name: string): Uint8Array {
    return Buffer.concat(this.files.get(name) ?? []);
  }

  list() {
    return [...this.files.keys()].map((name) => ({ name, bytes: this.bytesOf(name).length }));
  }

  create(name: string): number {
    this.files.set(name, []);
    return this.#open.push(name) - 1;
  }

  write(file: number, bytes: Uint8Array): number {
    const written = Math.min(bytes.length, this.roomBytes);
    if (written === 0) throw Object.assign(new Error("no room"), { code: "ENOSPC" });
    this.roomBytes -= written;
    this.files.get(this.#open[file] ?? "")?.push(bytes.slice(0, written));
    return written;
  }

  truncate(file: number, length: number): void {
    const name = this.#open[file] ?? "";
    this.files.set(name, [this.bytesOf(name).slice(0, length)]);
  }

  sync(): void {
    // There is nothing behind the memory.
  }

  close(): void {
    // A file in memory is always there.
  }

  remove(name: string): void {
    this.files.delete(name);
  }
}

/** Records a virtual site in memory, through the same files as the live one. */
export class SiteRecording {
  readonly disk = new MemoryDisk();
  readonly events: PlantEvent[] = [];
  recorder: FlightRecorder | undefined;
  readonly #segmentBytes: number;
  #runs = 0;

  constructor(segmentBytes = SEGMENT_BYTES) {
    this.#segmentBytes = segmentBytes;
  }

  readonly make = (site: VirtualSite): FlightRecorder => {
    const { context, clock } = site;
    const limits = { segmentBytes: this.#segmentBytes, segments: 64 };
    const files = new SegmentFiles(this.disk, limits);
    const plan = controlPlan(context);
    assert(plan !== undefined, "the demonstration has a control section");
    this.#runs += 1;
    const run = { epoch: this.#runs, startedUtc: clock.utcNow() };
    const sink = {
      failures: 0,
      reason: "the disk is full",
      offer: (...[kind, content]: Parameters<SegmentFiles["take"]>) => {
        const reason = files.take(kind, content);
        if (reason !== undefined) sink.failures += 1;
        return true;
      },
    };
    this.recorder = new FlightRecorder({
      sink,
      header: (inForce) => segmentHeader(context, inForce, run),
      clock,
      segmentBytes: this.#segmentBytes,
      device: "gateway-control",
      onEvent: (event) => this.events.push(event),
    });
    return this.recorder;
  };

  /** Everything that was recorded; `spoil` may change the bytes of a file before. */
  *items(spoil: (bytes: Uint8Array, name: string) => Uint8Array = (bytes) => bytes) {
    for (const name of this.disk.files.keys())
      yield* itemsOf(name, spoil(this.disk.bytesOf(name), name));
  }

  all(): readonly RecordingItem[] {
    return [...this.items()];
  }
}
