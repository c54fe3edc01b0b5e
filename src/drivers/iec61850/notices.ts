import type { PlantEvent, Severity } from "../../domain/event.ts";
import type { DeviceId } from "../../domain/point.ts";
import type { Clock } from "../../domain/time.ts";
import type { ReportGap } from "./engine.ts";

/** Tells people what a device does to its reports; what lasts is said when it begins and ends. */
export class DeviceNotices {
  readonly #device: DeviceId;
  readonly #clock: Clock;
  readonly #tell: (event: PlantEvent) => void;
  /** Reports whose block another client has, or that the device refuses. */
  readonly #without = new Set<string>();
  readonly #undecodable = new Set<string>();
  #isSkewed = false;

  constructor(device: DeviceId, clock: Clock, tell: (event: PlantEvent) => void) {
    this.#device = device;
    this.#clock = clock;
    this.#tell = tell;
  }

  subscribed(report: string): void {
    if (!this.#without.delete(report)) return;
    this.#say("report-block-occupied", "info", "cleared", `the reports "${report}" are ours again`);
  }

  occupied(report: string, owner: string | undefined): void {
    const by = owner === undefined ? "another client" : owner;
    this.#goWithout(report, `the report block of "${report}" is occupied by ${by}: it is polled`);
  }

  refused(report: string, step: string): void {
    this.#goWithout(report, `the device refuses the reports "${report}" at ${step}: it is polled`);
  }

  gap(report: string, gap: ReportGap): void {
    const text = `reports "${report}": ${sentenceOf(gap)}`;
    this.#say("report-gap", gap.gap === "sequence" ? "info" : "warning", "raised", text);
    this.#say("report-gap", "info", "cleared", text);
  }

  /** Once for each report: a device that says nonsense says it often. */
  lost(report: string, why: string): void {
    if (this.#undecodable.has(report)) return;
    this.#undecodable.add(report);
    this.#say("report-unreadable", "warning", "raised", `reports "${report}": ${why}`);
  }

  /** @param isSkewed values came whose time is more than two seconds off */
  clock(isSkewed: boolean): void {
    if (isSkewed === this.#isSkewed) return;
    this.#isSkewed = isSkewed;
    if (isSkewed) this.#say("device-clock-off", "warning", "raised", "its clock is wrong");
    else this.#say("device-clock-off", "info", "cleared", "its clock is right again");
  }

  #goWithout(report: string, text: string): void {
    if (this.#without.has(report)) return;
    this.#without.add(report);
    this.#say("report-block-occupied", "warning", "raised", text);
  }

  #say(id: string, severity: Severity, phase: PlantEvent["phase"], text: string): void {
    const device = this.#device;
    this.#tell({
      id,
      severity,
      phase,
      device,
      point: undefined,
      text: `${device}: ${text}`,
      at: this.#clock.utcNow(),
    });
  }
}

function sentenceOf(gap: ReportGap): string {
  switch (gap.gap) {
    case "sequence":
      return `number ${gap.got} came where ${gap.expected} was due`;
    case "overflow":
      return "the device's buffer ran over: changes are lost";
    case "entry-unknown":
      return "the device no longer has the entry after which to resume";
    case "other-instance":
      return `another instance is used: ${gap.is} for ${gap.was}`;
    case "configuration":
      return `the configuration revision was ${gap.was} and is ${gap.is}`;
    case "members":
      return `the data set had ${gap.was} members and has ${gap.is}`;
  }
}
