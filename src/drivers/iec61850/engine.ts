import type { GatewayError } from "../../domain/errors.ts";
import type { Origin } from "../../wire/mms/control.ts";
import type { SupportedService } from "../../wire/mms/initiate.ts";
import type { ControlObject, DataSetName, Reference, ReportBlock } from "../../wire/mms/names.ts";
import type { Report, ReportEntry, Trigger } from "../../wire/mms/report.ts";
import type { OsiAddress } from "../../wire/mms/association.ts";
import type { UtcTime } from "../../wire/mms/time.ts";
import type { TypeSpec } from "../../wire/mms/type-spec.ts";
import type { AccessResult, MmsValue } from "../../wire/mms/value.ts";
import type { ReportMemory } from "./report-memory.ts";

/**
 * What an IEC 61850 client offers to the driver, whichever engine does it: associations with
 * devices, and on each of them directory, reads, writes, commands and reports.
 *
 * Nothing here is retried by an engine. A wait ends by its `signal`, by its deadline or with the
 * association, whichever comes first.
 */
export interface Engine {
  readonly name: "ts" | "libiec61850";
  /**
   * @throws GatewayError LINK_REFUSED when the device or the network says no, LINK_TIMEOUT,
   *   LINK_LOST, REPLY_MALFORMED; the reason of `signal` when it aborts
   */
  associate(options: AssociateOptions, signal: AbortSignal): Promise<Association>;
}

/** TLS towards a device. The peer's certificate is always checked. @see IEC 62351-3 */
export interface TlsTerms {
  /** Certificates of those who may vouch for the device, PEM. */
  readonly trusted: string;
  /** Ours, PEM; undefined when the device does not ask for one. */
  readonly identity: { readonly certificate: string; readonly key: string } | undefined;
  /** Name in the device's certificate when it is not the host. */
  readonly serverName: string | undefined;
}

export interface AssociateOptions {
  readonly host: string;
  /** By habit 102, with TLS 3782. */
  readonly port: number;
  readonly tls?: TlsTerms;
  readonly calling?: OsiAddress;
  readonly called?: OsiAddress;
  readonly callingTransport?: Uint8Array;
  readonly calledTransport?: Uint8Array;
  readonly password?: Uint8Array;
  /** Largest MMS PDU that we take, octets. */
  readonly pduOctets?: number;
  /** Requests that may wait for their answers. */
  readonly outstanding?: number;
  /** For everything from the first packet to the answer of the association. */
  readonly connectTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  /** A device that is silent for about two of these is gone. */
  readonly probePeriodMs?: number;
  /** A variable for the probe, where the device has no status service. */
  readonly probe?: Reference;
}

/** Limits that both sides agreed on. */
export interface Negotiated {
  readonly pduOctets: number;
  readonly outstanding: number;
  readonly nesting: number | undefined;
  readonly services: ReadonlySet<SupportedService>;
}

export interface DownReason {
  readonly why:
    | "released"
    | "aborted"
    | "peer-released"
    | "peer-aborted"
    | "lost"
    | "silent"
    | "malformed"
    | "unknown-answers";
  /** What waits that the end of the association breaks off are told. */
  readonly error: GatewayError;
}

export interface CallTerms {
  readonly signal: AbortSignal;
  /** Otherwise the association's. */
  readonly timeoutMs?: number;
}

export type DirectoryEntry =
  | { readonly kind: "logical-device"; readonly ld: string }
  /** A name of the model as MMS spells it: `MMXU1`, `MMXU1$MX`, `MMXU1$MX$TotW`. */
  | { readonly kind: "variable"; readonly ld: string; readonly item: string }
  | { readonly kind: "data-set"; readonly ld: string; readonly item: string };

export interface DataSetMember {
  /** `DCPIBESS1/MMXU1$MX$TotW` */
  readonly name: string;
  /** Undefined for a name, or a part of an array, that the model does not know. */
  readonly reference: Reference | undefined;
}

/** What became of a write. `unknown`: it was sent, and nobody knows what the device did. */
export type EngineWriteOutcome =
  | { readonly outcome: "accepted" }
  | {
      readonly outcome: "refused";
      /** False when the gateway itself never got to send it. */
      readonly wasSent: boolean;
      /** Of `dataAccessErrorWord`; undefined when the whole request was refused or never sent. */
      readonly code: number | undefined;
      readonly error: GatewayError;
    }
  | { readonly outcome: "unknown"; readonly why: UnknownWhy; readonly error: GatewayError };

export type UnknownWhy = "timeout" | "down" | "aborted" | "malformed";

export const CONTROL_MODELS = [
  "status-only",
  "direct-normal",
  "sbo-normal",
  "direct-enhanced",
  "sbo-enhanced",
] as const;
/** In the order of `ctlModel`. @see IEC 61850-7-2, section 20 */
export type ControlModel = (typeof CONTROL_MODELS)[number];

export interface CommandOrder {
  readonly value: boolean | number | bigint | MmsValue;
  readonly origin: Origin;
  readonly isTest: boolean;
  readonly isInterlockChecked: boolean;
  readonly isSynchronismChecked: boolean;
  /** When the device shall operate; undefined for at once. */
  readonly operateAt?: UtcTime;
}

export interface ControlTerms extends CallTerms {
  /** How long the end of a command with enhanced security is waited for. */
  readonly terminationTimeoutMs?: number;
}

export type ControlStage = "model" | "select" | "operate" | "termination";

/** What became of a command. It is never sent again by the engine. */
export type ControlOutcome =
  | {
      readonly outcome: "accepted";
      readonly model: ControlModel;
      readonly confirmed: "response" | "termination";
      readonly number: number;
    }
  | {
      readonly outcome: "refused";
      readonly stage: ControlStage;
      /** Of `dataAccessErrorWord`. */
      readonly code: number | undefined;
      /** Of `additionalCauseWord`. */
      readonly additionalCause: number | undefined;
      /** The same for people. */
      readonly reason: string;
      /** Undefined when it did not get so far as to have one. */
      readonly number: number | undefined;
    }
  | {
      readonly outcome: "unknown";
      readonly stage: ControlStage;
      readonly why: UnknownWhy;
      readonly number: number;
    };

export interface ReportPlan {
  readonly ld: string;
  readonly ln: string;
  readonly isBuffered: boolean;
  /** Instances of the block, in the order in which they are tried: `brcbEvt01`, `brcbEvt02` … */
  readonly names: readonly string[];
  /** Undefined to take the data set that the block has. */
  readonly dataSet?: DataSetName;
  readonly triggers: readonly Exclude<Trigger, "application">[];
  /** 0 for none. */
  readonly integrityMs: number;
  readonly bufferMs: number;
  /** How long a buffered block stays ours after a broken link; 0 not to ask for it. */
  readonly reserveS: number;
  readonly isInterrogated: boolean;
  /** What outlives the association: where to resume, and what was already delivered. */
  readonly memory: ReportMemory;
}

export type ReportKind = "spontaneous" | "integrity" | "general-interrogation" | "mixed";

/** A whole report, its segments joined. */
export interface ReceivedReport {
  readonly block: ReportBlock;
  readonly kind: ReportKind;
  readonly report: Report;
  /** Places refer to this, in the order of the device. */
  readonly members: readonly DataSetMember[];
  readonly entries: readonly ReportEntry[];
  /** It comes from the device's buffer: true about the past, never fresh. */
  readonly isBuffered: boolean;
}

export type ReportGap =
  | { readonly gap: "sequence"; readonly expected: number; readonly got: number }
  /** The device's buffer ran over. */
  | { readonly gap: "overflow" }
  /** The device no longer has the entry after which reports were to resume. */
  | { readonly gap: "entry-unknown"; readonly code: number | undefined }
  /** The block that has our buffer is another client's; another instance is used. */
  | { readonly gap: "other-instance"; readonly was: string; readonly is: string }
  | { readonly gap: "configuration"; readonly was: number; readonly is: number }
  | { readonly gap: "members"; readonly was: number; readonly is: number };

export interface ReportSink {
  report(report: ReceivedReport): void;
  gap(gap: ReportGap): void;
  /** A report came and could not be used. */
  lost(why: string): void;
  /** No report for two and a half integrity periods; told once until the next one. */
  silent(silentMs: number): void;
}

export type SubscribeResult =
  | { readonly result: "subscribed"; readonly subscription: Subscription }
  /** Every instance is another client's. */
  | { readonly result: "occupied"; readonly owner: string | undefined }
  | {
      readonly result: "refused";
      readonly block: string;
      /** The field of the block, or what else the device did not want. */
      readonly step: string;
      readonly code: number | undefined;
    };

export interface Subscription {
  readonly block: ReportBlock;
  readonly members: readonly DataSetMember[];
  readonly configurationRevision: number | undefined;
  /** Asks for all values now. */
  interrogate(terms: CallTerms): Promise<EngineWriteOutcome>;
  /** Disables the block and gives it back; only forgets it when the link is down. */
  stop(terms: CallTerms): Promise<void>;
}

export interface AssociationCounters {
  readonly requests: number;
  readonly timeouts: number;
  /** Answers to requests that were given up. */
  readonly lateAnswers: number;
  readonly unknownAnswers: number;
  readonly malformed: number;
  readonly probes: number;
  readonly probeMisses: number;
  readonly busy: number;
  readonly reports: number;
  /** Reports of blocks that nobody subscribed to. */
  readonly strayReports: number;
  readonly undecodableReports: number;
  readonly duplicateReports: number;
  /** Ends of commands that are another client's, or came too late. */
  readonly strayTerminations: number;
  readonly strayErrors: number;
}

/** An association with a device. */
export interface Association {
  readonly negotiated: Negotiated;
  readonly counters: AssociationCounters;
  readonly isUp: boolean;
  /** Called exactly once, after every wait on the association has ended. @returns how to forget */
  onDown(listener: (reason: DownReason) => void): () => void;
  directory(terms: CallTerms): AsyncIterable<DirectoryEntry>;
  /** A logical node, or a part of one; undefined when the device does not have it. */
  typeOf(reference: Reference, terms: CallTerms): Promise<TypeSpec | undefined>;
  /** Undefined when the device does not have it. */
  dataSet(name: DataSetName, terms: CallTerms): Promise<readonly DataSetMember[] | undefined>;
  /** In the order asked; each is a value or an error of its own. */
  read(references: readonly Reference[], terms: CallTerms): Promise<readonly AccessResult[]>;
  write(reference: Reference, value: MmsValue, terms: CallTerms): Promise<EngineWriteOutcome>;
  control(object: ControlObject, order: CommandOrder, terms: ControlTerms): Promise<ControlOutcome>;
  subscribe(plan: ReportPlan, sink: ReportSink, terms: CallTerms): Promise<SubscribeResult>;
  /** Says good-bye; the connection is closed whatever the device answers. */
  release(terms: CallTerms): Promise<void>;
  abort(): void;
}
