import type { ReportBinding } from "../../profiles/binding-iec61850.ts";
import { parseDataSetName } from "../../wire/mms/names.ts";
import type { DeviceModel } from "./device-model.ts";
import type {
  Association,
  CallTerms,
  ReceivedReport,
  ReportGap,
  ReportPlan,
  SubscribeResult,
  Subscription,
} from "./engine.ts";
import { type LiveNode, nodeKey, type NodeSource, sourceOf } from "./live-node.ts";
import type { ReportMemory } from "./report-memory.ts";

/** What comes of a report block. */
export interface DeskSink {
  /** @param sources by the place of an entry in the data set; undefined where nothing is bound */
  report(report: ReceivedReport, sources: readonly (NodeSource | undefined)[]): void;
  gap(gap: ReportGap): void;
  lost(why: string): void;
  silent(silentMs: number): void;
}

export interface DeskTerms {
  readonly association: Association;
  readonly binding: ReportBinding;
  readonly model: DeviceModel;
  /** Points of the group that the block is for. */
  readonly nodes: readonly LiveNode[];
  readonly memory: ReportMemory;
  readonly integrityMs: number;
  readonly sink: DeskSink;
}

/** One report block of a profile in one association: subscribed to, or tried again. */
export class ReportDesk {
  readonly #terms: DeskTerms;
  #subscription: Subscription | undefined;
  #sources: readonly (NodeSource | undefined)[] = [];
  #covered: ReadonlySet<LiveNode> = new Set();

  constructor(terms: DeskTerms) {
    this.#terms = terms;
  }

  get binding(): ReportBinding {
    return this.#terms.binding;
  }

  get isSubscribed(): boolean {
    return this.#subscription !== undefined;
  }

  /** Nodes whose values come by these reports: they need no poll. */
  get covered(): ReadonlySet<LiveNode> {
    return this.#covered;
  }

  async open(call: CallTerms): Promise<SubscribeResult> {
    const { association, model, sink } = this.#terms;
    // Reports may come before the subscription is known; their sources are made by then.
    const waiting: ReceivedReport[] = [];
    const result = await association.subscribe(
      this.#plan(),
      {
        report: (report) => {
          if (this.#subscription === undefined) waiting.push(report);
          else sink.report(report, this.#sources);
        },
        gap: (gap) => {
          sink.gap(gap);
        },
        lost: (why) => {
          sink.lost(why);
        },
        silent: (silentMs) => {
          sink.silent(silentMs);
        },
      },
      call,
    );
    if (result.result !== "subscribed") return result;
    this.#subscription = result.subscription;
    this.#follow(result.subscription, model);
    for (const report of waiting) sink.report(report, this.#sources);
    return result;
  }

  /** Asks the block for all its values; does nothing while it is not ours. */
  async interrogate(call: CallTerms): Promise<void> {
    await this.#subscription?.interrogate(call);
  }

  async close(call: CallTerms): Promise<void> {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    this.#covered = new Set();
    await subscription?.stop(call);
  }

  #follow({ members }: Subscription, { types }: DeviceModel): void {
    const { nodes } = this.#terms;
    this.#sources = members.map(({ reference }) => {
      const type = reference === undefined ? undefined : types.get(nodeKey(reference));
      if (reference === undefined || type === undefined) return undefined;
      return sourceOf(reference, type, nodes);
    });
    const covered = new Set<LiveNode>();
    for (const source of this.#sources) {
      for (const { node, part } of source?.parts ?? []) if (part === "value") covered.add(node);
    }
    this.#covered = covered;
  }

  #plan(): ReportPlan {
    const { binding, memory, integrityMs } = this.#terms;
    const dataSet = binding.dataSet === undefined ? undefined : parseDataSetName(binding.dataSet);
    return {
      ld: binding.ld,
      ln: binding.ln,
      isBuffered: binding.isBuffered,
      names: binding.blocks,
      ...(dataSet === undefined ? {} : { dataSet }),
      triggers: binding.triggers,
      integrityMs,
      bufferMs: binding.bufferMs,
      reserveS: binding.reserveS,
      isInterrogated: binding.isInterrogated,
      memory,
    };
  }
}
