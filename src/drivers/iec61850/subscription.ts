import type { ReportBlock } from "../../wire/mms/names.ts";
import type { InformationReport } from "../../wire/mms/pdu.ts";
import { decodeReport, type Report, type Trigger } from "../../wire/mms/report.ts";
import type { TimerWheel, WheelTimer } from "../wheel.ts";
import type {
  CallTerms,
  DataSetMember,
  EngineWriteOutcome,
  ReceivedReport,
  ReportKind,
  ReportPlan,
  ReportSink,
  Subscription,
} from "./engine.ts";
import { ReportAssembly } from "./report-assembly.ts";
import type { BlockAccess } from "./report-block.ts";
import type { ReportHub } from "./report-hub.ts";
import { ReportSequence } from "./report-sequence.ts";
import { ReportWatch } from "./report-watch.ts";

/** A buffer that says nothing for so long has been told, where no interrogation marks its end. */
const BACKLOG_QUIET_MS = 1_000;

export interface SubscriptionTerms {
  readonly access: BlockAccess;
  readonly hub: ReportHub;
  readonly reportId: string;
  readonly members: readonly DataSetMember[];
  readonly plan: ReportPlan;
  readonly sink: ReportSink;
  readonly wheel: TimerWheel;
  /** The buffer may hold what happened before: until it is told, nothing is fresh. */
  readonly hasBacklog: boolean;
}

/** One block that reports to us: its reports in order, whole, and each once. */
export class BlockSubscription implements Subscription {
  readonly #terms: SubscriptionTerms;
  readonly #sequence: ReportSequence;
  readonly #assembly: ReportAssembly;
  readonly #watch: ReportWatch;
  #isBacklog: boolean;
  #isFirst = true;
  #quiet: WheelTimer | undefined;
  /** When the device answered the interrogation, by its own clock. */
  #interrogatedAtMs: number | undefined;
  #revision: number | undefined;
  #isStopped = false;

  constructor(terms: SubscriptionTerms) {
    this.#terms = terms;
    const { plan, sink, wheel } = terms;
    this.#sequence = new ReportSequence(plan.isBuffered ? "buffered" : "unbuffered");
    this.#assembly = new ReportAssembly({
      wheel,
      whole: (report) => {
        this.#deliver(report);
      },
      lost: (why) => {
        sink.lost(why);
      },
    });
    this.#watch = new ReportWatch(wheel, plan.integrityMs, (silentMs) => {
      sink.silent(silentMs);
    });
    this.#isBacklog = terms.hasBacklog;
    this.#revision = terms.access.number("ConfRev");
  }

  get block(): ReportBlock {
    return this.#terms.access.block;
  }

  get members(): readonly DataSetMember[] {
    return this.#terms.members;
  }

  get configurationRevision(): number | undefined {
    return this.#revision;
  }

  /** The block is enabled. */
  start(): void {
    this.#watch.start();
    if (this.#isBacklog && !this.#isStopped) this.#waitForQuiet();
  }

  async interrogate(terms: CallTerms): Promise<EngineWriteOutcome> {
    return this.#terms.access.write("GI", { kind: "boolean", value: true }, terms);
  }

  async stop(terms: CallTerms): Promise<void> {
    if (this.#isStopped) return;
    this.end();
    const { access } = this.#terms;
    const no = { kind: "boolean", value: false } as const;
    const disabled = await access.write("RptEna", no, terms);
    if (disabled.outcome === "accepted" && access.has("Resv"))
      await access.write("Resv", no, terms);
  }

  /** Takes no more reports; the association is over, or the caller stopped. */
  end(): void {
    this.#isStopped = true;
    this.#terms.hub.remove(this.#terms.reportId);
    this.#assembly.stop();
    this.#watch.stop();
    this.#quiet?.cancel();
  }

  /** @returns false when the report cannot be read */
  take(information: InformationReport): boolean {
    const { members, sink } = this.#terms;
    const decoded = decodeReport(information, members.length);
    if (decoded.result === "undecodable") {
      sink.lost(`${decoded.fault} at field ${decoded.field}`);
      return false;
    }
    const { report } = decoded;
    if (report.sequence !== undefined && (report.subSequence ?? 0) === 0) {
      const expected = this.#sequence.follow(report.sequence);
      if (expected !== undefined) sink.gap({ gap: "sequence", expected, got: report.sequence });
    }
    this.#assembly.take(report);
    return true;
  }

  #deliver(report: Report): void {
    const { sink, plan, hub, members } = this.#terms;
    this.#watch.hear();
    this.#compareRevision(report.configurationRevision);
    const kind = kindOf(report);
    const isBuffered = this.#judge(report, kind);
    // The first report after a buffer was emptied says overflow, and means it was emptied.
    const isAlarming = report.hasOverflowed === true && (!this.#isFirst || this.#terms.hasBacklog);
    if (isAlarming) sink.gap({ gap: "overflow" });
    this.#isFirst = false;
    const isNew =
      report.entryId === undefined || plan.memory.note(report.entryId, report.entryTimeMs);
    // Only the buffer is told twice; a device whose entries all have one id loses nothing live.
    if (!isNew && isBuffered) {
      hub.counters.duplicateReports += 1;
      return;
    }
    const received: ReceivedReport = {
      block: this.block,
      kind,
      report,
      members,
      entries: report.entries,
      isBuffered,
    };
    sink.report(received);
  }

  /** Whether a report tells of the past. Compares the device's times only with each other. */
  #judge(report: Report, kind: ReportKind): boolean {
    if (!this.#terms.plan.isBuffered) return false;
    if (this.#isBacklog) {
      if (kind !== "general-interrogation") {
        this.#waitForQuiet();
        return true;
      }
      this.#isBacklog = false;
      this.#quiet?.cancel();
      this.#interrogatedAtMs = report.entryTimeMs;
      return false;
    }
    const { entryTimeMs } = report;
    const sinceMs = this.#interrogatedAtMs;
    return sinceMs !== undefined && entryTimeMs !== undefined && entryTimeMs < sinceMs;
  }

  #waitForQuiet(): void {
    this.#quiet?.cancel();
    this.#quiet = this.#terms.wheel.schedule(BACKLOG_QUIET_MS, () => {
      this.#isBacklog = false;
    });
  }

  #compareRevision(is: number | undefined): void {
    const was = this.#revision;
    if (is === undefined || is === was) return;
    this.#revision = is;
    if (was !== undefined) this.#terms.sink.gap({ gap: "configuration", was, is });
  }
}

function kindOf(report: Report): ReportKind {
  let kind: ReportKind | undefined;
  for (const { reasons } of report.entries) {
    const own = kindOfReasons(reasons ?? []);
    if (kind !== undefined && own !== kind) return "mixed";
    kind = own;
  }
  return kind ?? "spontaneous";
}

function kindOfReasons(reasons: readonly Trigger[]): ReportKind {
  if (reasons.length !== 1) return "spontaneous";
  const [only] = reasons;
  return only === "integrity" || only === "general-interrogation" ? only : "spontaneous";
}
