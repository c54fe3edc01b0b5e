import type { Clock } from "../../domain/time.ts";
import { DirectoryBudget } from "../../wire/mms/directory.ts";
import {
  type ControlObject,
  type DataSetName,
  objectNameOf,
  type Reference,
} from "../../wire/mms/names.ts";
import type { InformationReport } from "../../wire/mms/pdu.ts";
import { isReport } from "../../wire/mms/report.ts";
import { controlNoticeOf } from "../../wire/mms/termination.ts";
import type { TypeSpec } from "../../wire/mms/type-spec.ts";
import type { AccessResult, MmsValue } from "../../wire/mms/value.ts";
import type { TimerWheel } from "../wheel.ts";
import { browse } from "./browsing.ts";
import { type Channel, MmsChannel } from "./channel.ts";
import { giveCommand } from "./control.ts";
import { ControlDesk } from "./control-desk.ts";
import type {
  AssociateOptions,
  Association,
  AssociationCounters,
  CallTerms,
  CommandOrder,
  ControlModel,
  ControlOutcome,
  ControlTerms,
  DataSetMember,
  DirectoryEntry,
  DownReason,
  Engine,
  EngineWriteOutcome,
  Negotiated,
  ReportPlan,
  ReportSink,
  SubscribeResult,
} from "./engine.ts";
import { readVariables } from "./reading.ts";
import { ReportHub } from "./report-hub.ts";
import { dataSetMembers, subscribe } from "./subscribing.ts";
import { TypeCache } from "./type-cache.ts";
import { Types } from "./typing.ts";
import { writeName } from "./writing.ts";

export interface TsEngineTerms {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** Types that outlive an association; one cache per device. */
  readonly cache?: TypeCache;
}

/** Our own engine: MMS in TypeScript over the sockets of Node. */
export class TsEngine implements Engine {
  readonly name = "ts";
  readonly #terms: TsEngineTerms;

  constructor(terms: TsEngineTerms) {
    this.#terms = terms;
  }

  async associate(options: AssociateOptions, signal: AbortSignal): Promise<Association> {
    const channel = await MmsChannel.open({ ...this.#terms, options }, signal);
    return new MmsAssociation(channel, this.#terms);
  }
}

/** An association over a channel of either engine. */
export class MmsAssociation implements Association {
  readonly #channel: Channel;
  readonly #terms: TsEngineTerms;
  readonly #types: Types;
  readonly #desk = new ControlDesk();
  readonly #hub = new ReportHub();
  readonly #models = new Map<string, ControlModel>();
  #strayInformation = 0;

  constructor(channel: Channel, terms: TsEngineTerms) {
    this.#channel = channel;
    this.#terms = terms;
    const { dialogue } = channel;
    this.#types = new Types(dialogue, terms.cache ?? new TypeCache());
    dialogue.inform = (information) => {
      this.#inform(information);
    };
    dialogue.onDown(() => {
      this.#hub.end();
    });
  }

  get negotiated(): Negotiated {
    return this.#channel.dialogue.negotiated;
  }

  get isUp(): boolean {
    return this.#channel.dialogue.isUp;
  }

  get counters(): AssociationCounters {
    const own = { ...this.#hub.counters, ...this.#desk.counters };
    const strayReports = own.strayReports + this.#strayInformation;
    return { ...this.#channel.dialogue.counters, ...own, strayReports };
  }

  onDown(listener: (reason: DownReason) => void): () => void {
    return this.#channel.dialogue.onDown(listener);
  }

  directory(terms: CallTerms): AsyncIterable<DirectoryEntry> {
    return browse(this.#channel.dialogue, new DirectoryBudget(), terms);
  }

  async typeOf(reference: Reference, terms: CallTerms): Promise<TypeSpec | undefined> {
    return this.#types.typeOf(reference, terms);
  }

  async dataSet(
    name: DataSetName,
    terms: CallTerms,
  ): Promise<readonly DataSetMember[] | undefined> {
    return dataSetMembers(this.#channel.dialogue, name, terms);
  }

  async read(references: readonly Reference[], terms: CallTerms): Promise<readonly AccessResult[]> {
    return readVariables(this.#channel.dialogue, references, terms);
  }

  async write(
    reference: Reference,
    value: MmsValue,
    terms: CallTerms,
  ): Promise<EngineWriteOutcome> {
    return writeName(this.#channel.dialogue, objectNameOf(reference), value, terms);
  }

  async control(
    object: ControlObject,
    order: CommandOrder,
    terms: ControlTerms,
  ): Promise<ControlOutcome> {
    const parts = {
      dialogue: this.#channel.dialogue,
      types: this.#types,
      desk: this.#desk,
      clock: this.#terms.clock,
      models: this.#models,
    };
    return giveCommand(parts, object, { order, terms });
  }

  async subscribe(plan: ReportPlan, sink: ReportSink, terms: CallTerms): Promise<SubscribeResult> {
    const parts = {
      dialogue: this.#channel.dialogue,
      types: this.#types,
      hub: this.#hub,
      wheel: this.#terms.wheel,
      localAddress: this.#channel.localAddress,
    };
    return subscribe(parts, { plan, sink, terms });
  }

  async release(terms: CallTerms): Promise<void> {
    await this.#channel.release(terms);
  }

  abort(): void {
    this.#channel.abort();
  }

  #inform(information: InformationReport): void {
    if (isReport(information)) {
      this.#hub.take(information);
      return;
    }
    const notice = controlNoticeOf(information);
    if (notice === undefined) this.#strayInformation += 1;
    else this.#desk.notice(notice);
  }
}
