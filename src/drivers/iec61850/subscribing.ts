import {
  type DataSetName,
  formatDataSetName,
  parseDataSetName,
  referenceOf,
  type ReportBlock,
} from "../../wire/mms/names.ts";
import { optionBits, type ReportOption, triggerBits } from "../../wire/mms/report.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import type { TimerWheel } from "../wheel.ts";
import type { Dialogue } from "./dialogue.ts";
import type {
  CallTerms,
  DataSetMember,
  ReportPlan,
  ReportSink,
  SubscribeResult,
} from "./engine.ts";
import { readMembers } from "./reading.ts";
import { BlockAccess, type BlockField } from "./report-block.ts";
import type { ReportHub } from "./report-hub.ts";
import { BlockSubscription } from "./subscription.ts";
import type { Types } from "./typing.ts";

/** Answers by which a device says that a block is another client's. */
const TEMPORARILY_UNAVAILABLE = 2;
const ACCESS_DENIED = 3;
/** A device that fixes these still reports; what a report has is read from the report itself. */
const OPTIONAL_FIELDS: ReadonlySet<BlockField> = new Set(["RptID", "OptFlds", "BufTm"]);
const ENTRY_OCTETS = 8;
const YES: MmsValue = { kind: "boolean", value: true };
const NO: MmsValue = { kind: "boolean", value: false };

const OPTIONS: readonly ReportOption[] = [
  "sequence-number",
  "report-time",
  "reason",
  "data-set",
  "configuration-revision",
];
const BUFFERED_OPTIONS: readonly ReportOption[] = [...OPTIONS, "buffer-overflow", "entry-id"];

export interface SubscribeParts {
  readonly dialogue: Dialogue;
  readonly types: Types;
  readonly hub: ReportHub;
  readonly wheel: TimerWheel;
  /** Our address as the device sees it, to know our own block of before a broken link. */
  readonly localAddress: string | undefined;
}

export interface SubscribeOrder {
  readonly plan: ReportPlan;
  readonly sink: ReportSink;
  readonly terms: CallTerms;
}

type Refused = Extract<SubscribeResult, { result: "refused" }>;
type Occupied = Extract<SubscribeResult, { result: "occupied" }>;
type Failed = Refused | Occupied;

/**
 * Subscribes to the first instance of a block that is free, the one with our buffer before others.
 * An instance that another client has is left alone.
 *
 * @throws GatewayError when the link fails meanwhile; the reason of the signal
 */
export async function subscribe(
  parts: SubscribeParts,
  order: SubscribeOrder,
): Promise<SubscribeResult> {
  const { plan } = order;
  const resumed = plan.memory.resume?.block;
  const names = plan.names.filter((name) => name !== resumed);
  if (resumed !== undefined && plan.names.includes(resumed)) names.unshift(resumed);
  let failed: Failed = { result: "refused", block: names[0] ?? "", step: "type", code: undefined };
  for (const name of names) {
    const { ld, ln, isBuffered } = plan;
    const block: ReportBlock = { ld, ln, isBuffered, name };
    const access = await BlockAccess.read({ ...parts, block }, order.terms);
    if (access === undefined) continue;
    const result = await new Opening(parts, order, access).run();
    if (result.result !== "occupied") return result;
    failed = result;
    // Our own, of a connection whose end the device has not noticed yet: it will come free, and
    // with it what it buffered.
    if (name === resumed && isOurs(access, parts)) return result;
  }
  return failed;
}

function isOurs(access: BlockAccess, parts: SubscribeParts): boolean {
  return access.owner !== undefined && access.owner === parts.localAddress;
}

/** How a buffered block begins: after an entry, with all that it has, or empty. */
type Start = "after-entry" | "all" | "purged" | "live";

/** One instance, step by step in the order that blocks demand. */
class Opening {
  readonly #parts: SubscribeParts;
  readonly #order: SubscribeOrder;
  readonly #access: BlockAccess;

  constructor(parts: SubscribeParts, order: SubscribeOrder, access: BlockAccess) {
    this.#parts = parts;
    this.#order = order;
    this.#access = access;
  }

  async run(): Promise<SubscribeResult> {
    const taken = (await this.#take()) ?? (await this.#configure());
    if (taken !== undefined) return this.#giveBack(taken);
    const reportId = await this.#identify();
    if (typeof reportId !== "string") return this.#giveBack(reportId);
    const members = await this.#members();
    if (members === undefined) return this.#giveBack(this.#refused("DatSet", undefined));
    const start = await this.#chooseStart(members);
    return this.#enable({ reportId, members, start });
  }

  /** Makes the block ours: reserved, and disabled to be configured. */
  async #take(): Promise<Failed | undefined> {
    const { plan } = this.#order;
    if (this.#access.isSet("RptEna")) {
      const failed = await this.#set("RptEna", NO);
      if (failed !== undefined) return failed;
    }
    if (!plan.isBuffered) {
      if (!this.#access.has("Resv")) return undefined;
      if (this.#access.isSet("Resv")) return this.#occupied();
      return this.#set("Resv", YES);
    }
    const reserve = this.#access.valueOf("ResvTms", plan.reserveS);
    if (plan.reserveS === 0 || reserve === undefined) return undefined;
    return this.#set("ResvTms", reserve);
  }

  async #configure(): Promise<Failed | undefined> {
    const { plan } = this.#order;
    const access = this.#access;
    const triggers = new Set(plan.triggers);
    if (plan.integrityMs > 0) triggers.add("integrity");
    if (plan.isInterrogated) triggers.add("general-interrogation");
    const options = new Set(plan.isBuffered ? BUFFERED_OPTIONS : OPTIONS);
    const wanted: [BlockField, MmsValue | undefined][] = [
      ["OptFlds", { kind: "bits", ...optionBits(options) }],
      ["TrgOps", { kind: "bits", ...triggerBits([...triggers]) }],
      ["IntgPd", access.valueOf("IntgPd", plan.integrityMs)],
      ["BufTm", access.valueOf("BufTm", plan.bufferMs)],
    ];
    if (plan.dataSet !== undefined) {
      wanted.unshift(["DatSet", access.valueOf("DatSet", formatDataSetName(plan.dataSet))]);
    }
    for (const [field, value] of wanted) {
      if (value === undefined) return this.#refused(field, undefined);
      if (access.holds(field, value)) continue;
      const failed = await this.#set(field, value);
      if (failed !== undefined) return failed;
    }
    return undefined;
  }

  /** An id that no other block has: instances may come with one for all. */
  async #identify(): Promise<string | Failed> {
    const { ld, ln, isBuffered, name } = this.#access.block;
    const present = this.#access.text("RptID");
    const whole = `${ld}/${ln}$${isBuffered ? "BR" : "RP"}$${name}`;
    const most = this.#access.sizeOf("RptID");
    const wanted = whole.length <= most ? whole : whole.slice(-most);
    const value = this.#access.valueOf("RptID", wanted);
    if (wanted === present) return present;
    if (value !== undefined && !this.#parts.hub.has(wanted)) {
      const { terms } = this.#order;
      const written = await this.#access.write("RptID", value, terms);
      if (written.outcome === "accepted") return wanted;
      if (written.outcome === "unknown") throw written.error;
    }
    // Without an id of its own the block reports by its name, or by one that is still free.
    const own = present === "" ? whole : present;
    return this.#parts.hub.has(own) ? this.#refused("RptID", undefined) : own;
  }

  async #members(): Promise<readonly DataSetMember[] | undefined> {
    const { plan, terms } = this.#order;
    const name: DataSetName | undefined =
      plan.dataSet ?? parseDataSetName(this.#access.text("DatSet"));
    if (name === undefined) return undefined;
    return dataSetMembers(this.#parts.dialogue, name, terms);
  }

  async #chooseStart(members: readonly DataSetMember[]): Promise<Start> {
    const { plan, sink, terms } = this.#order;
    const { memory } = plan;
    const isKnown = memory.memberNames !== undefined;
    const isChanged = this.#compare(members);
    if (!plan.isBuffered) return "live";
    const { resume } = memory;
    if (!isKnown && resume === undefined) {
      // The first time ever: what happened before we were here is not ours.
      if (this.#access.has("PurgeBuf")) await this.#access.write("PurgeBuf", YES, terms);
      return "purged";
    }
    if (resume !== undefined && resume.block !== this.#access.block.name) {
      sink.gap({ gap: "other-instance", was: resume.block, is: this.#access.block.name });
      memory.forget();
    } else if (resume !== undefined && !isChanged) {
      const value: MmsValue = { kind: "octets", bytes: resume.entryId };
      const written = await this.#access.write("EntryID", value, terms);
      if (written.outcome === "accepted") return "after-entry";
      if (written.outcome === "unknown") throw written.error;
      sink.gap({ gap: "entry-unknown", code: written.code });
    }
    const none: MmsValue = { kind: "octets", bytes: new Uint8Array(ENTRY_OCTETS) };
    await this.#access.write("EntryID", none, terms);
    return "all";
  }

  /** @returns true when the data set is not the one of the last subscription */
  #compare(members: readonly DataSetMember[]): boolean {
    const { sink, plan } = this.#order;
    const { memory } = plan;
    const names = members.map(({ name }) => name);
    const before = memory.memberNames;
    const is = this.#access.number("ConfRev");
    const was = memory.configurationRevision;
    memory.memberNames = names;
    memory.configurationRevision = is;
    const isOther = before !== undefined && before.join("\n") !== names.join("\n");
    if (isOther) sink.gap({ gap: "members", was: before.length, is: names.length });
    if (was === undefined || is === undefined || was === is) return isOther;
    sink.gap({ gap: "configuration", was, is });
    return true;
  }

  async #enable(from: {
    readonly reportId: string;
    readonly members: readonly DataSetMember[];
    readonly start: Start;
  }): Promise<SubscribeResult> {
    const { hub, wheel } = this.#parts;
    const { plan, sink, terms } = this.#order;
    const { reportId, members, start } = from;
    const hasBacklog = start === "after-entry" || start === "all";
    const access = this.#access;
    const subscription = new BlockSubscription({
      access,
      hub,
      reportId,
      members,
      plan,
      sink,
      wheel,
      hasBacklog,
    });
    // Reports may come before the answer that the block is enabled.
    hub.add(reportId, subscription);
    try {
      const failed = await this.#set("RptEna", YES);
      if (failed !== undefined) {
        subscription.end();
        return await this.#giveBack(failed);
      }
      subscription.start();
      if (plan.isInterrogated) await subscription.interrogate(terms);
      return { result: "subscribed", subscription };
    } catch (error) {
      subscription.end();
      throw error;
    }
  }

  /** @throws GatewayError of a write of which nobody knows what became */
  async #set(field: BlockField, value: MmsValue): Promise<Failed | undefined> {
    const written = await this.#access.write(field, value, this.#order.terms);
    if (written.outcome === "accepted") return undefined;
    if (written.outcome === "unknown" || !written.wasSent) throw written.error;
    const { code } = written;
    if (code === TEMPORARILY_UNAVAILABLE) return this.#occupied();
    if (code === ACCESS_DENIED && TAKING_FIELDS.has(field)) return this.#occupied();
    return OPTIONAL_FIELDS.has(field) ? undefined : this.#refused(field, code);
  }

  /** Another client may have what we cannot use. */
  async #giveBack<T extends Failed>(failed: T): Promise<T> {
    const { plan, terms } = this.#order;
    if (failed.result === "refused" && !plan.isBuffered && this.#access.has("Resv")) {
      await this.#access.write("Resv", NO, terms);
    }
    return failed;
  }

  #occupied(): Occupied {
    return { result: "occupied", owner: this.#access.owner };
  }

  #refused(step: BlockField, code: number | undefined): Refused {
    return { result: "refused", block: this.#access.block.name, step, code };
  }
}

/** Of these, "access denied" means that somebody else has the block. */
const TAKING_FIELDS: ReadonlySet<BlockField> = new Set(["RptEna", "Resv", "ResvTms"]);

/** Members of a data set as references; undefined when the device does not have it. */
export async function dataSetMembers(
  dialogue: Dialogue,
  name: DataSetName,
  terms: CallTerms,
): Promise<readonly DataSetMember[] | undefined> {
  const variables = await readMembers(dialogue, name, terms);
  return variables?.map(({ name: member, alternateAccess }): DataSetMember => {
    if (member.scope !== "domain") return { name: member.item, reference: undefined };
    const { domain, item } = member;
    const reference = alternateAccess === undefined ? referenceOf(domain, item) : undefined;
    return { name: `${domain}/${item}`, reference };
  });
}
