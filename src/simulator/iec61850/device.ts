import { assert } from "../../domain/assert.ts";
import type { AbortSignalLike, Clock } from "../../domain/time.ts";
import type { ControlCommand } from "../../wire/mms/control.ts";
import { itemOf, parseReference } from "../../wire/mms/names.ts";
import type { WriteResult } from "../../wire/mms/response.ts";
import { fitsType } from "../../wire/mms/type-fit.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import { Alarms } from "./alarms.ts";
import { goodTime, valueOf } from "./attribute-type.ts";
import type { Client } from "./client.ts";
import { buildControls, type BuiltControl } from "./build-controls.ts";
import { buildReports } from "./build-reports.ts";
import type { DataSet } from "./data-set.ts";
import { DataSets } from "./data-sets.ts";
import type { ControlRequest } from "./control-request.ts";
import type { MmsFault, MmsFaultKind } from "./fault.ts";
import type { AttributeValue, IedModel } from "./model.ts";
import { REFUSED } from "./refusals.ts";
import type { ReportAccess } from "./report-access.ts";
import { Domain, invalid } from "./tree.ts";
import type { Variable } from "./variable.ts";

export interface IedHooks {
  /** The additional cause for which a command is refused; undefined to let it through. */
  readonly refuse?: (request: ControlRequest) => number | undefined;
  /** A command was carried out: its feedback is already in the model. */
  readonly operated?: (request: ControlRequest) => void;
  /** A client wrote a value of the model. */
  readonly written?: (reference: string, value: MmsValue) => void;
}

/** One value that changes. */
export interface DataUpdate {
  /** `DCPIBESS1/MMXU1.TotW.mag.f[MX]` */
  readonly reference: string;
  readonly value: AttributeValue;
}

export interface IedTerms {
  readonly model: IedModel;
  readonly clock: Clock;
  readonly hooks: IedHooks;
  /** Number of the first entry of buffered reports. */
  readonly firstEntry: number;
}

/** Counted since the device was made; they never go back. */
export interface IedCounters {
  associations: number;
  /** Refused by ACSE, or reset because there were too many. */
  refusedAssociations: number;
  requests: number;
  /** PDUs that were no MMS, or a service that this server has not. */
  rejected: number;
  /** Associations that ended because of what the client sent, or failed to send in time. */
  brokenAssociations: number;
  /** PDUs that nobody asked for, dropped because their client did not read. */
  droppedPdus: number;
}

/** Functional constraints whose values a client may set. */
const WRITABLE: ReadonlySet<string | undefined> = new Set(["SP", "SV", "CF", "DC"]);
const FIXED_NAMES: ReadonlySet<string> = new Set(["ctlModel"]);

/**
 * A simulated IED without its sockets: variables, data sets, control objects and report blocks, and
 * the faults that befall them.
 */
export class IedDevice {
  readonly model: IedModel;
  readonly counters: IedCounters = {
    associations: 0,
    refusedAssociations: 0,
    requests: 0,
    rejected: 0,
    brokenAssociations: 0,
    droppedPdus: 0,
  };
  readonly domains: ReadonlyMap<string, Domain>;
  readonly dataSets: DataSets;
  readonly reports: readonly ReportAccess[];
  readonly alarms: Alarms;
  readonly #clock: Clock;
  readonly #hooks: IedHooks;
  readonly #controls: readonly BuiltControl[];
  readonly #faults = new Map<MmsFaultKind, MmsFault>();
  readonly #faultListeners = new Set<() => void>();

  /** @throws GatewayError CONFIG_INVALID when the model contradicts itself */
  constructor(terms: IedTerms, signal: AbortSignalLike) {
    const { model, clock, hooks, firstEntry } = terms;
    this.model = model;
    this.#clock = clock;
    this.#hooks = hooks;
    this.alarms = new Alarms(clock, signal);
    this.domains = new Map(model.logicalDevices.map((ld) => [ld.name, new Domain(ld)]));
    this.dataSets = new DataSets(model, this.domains);
    this.reports = buildReports({
      model,
      domains: this.domains,
      dataSets: this.dataSets,
      clock,
      alarms: this.alarms,
      firstEntry,
      isOccupied: () => this.#faults.has("occupied-block"),
    });
    this.#controls = buildControls({
      model,
      domains: this.domains,
      alarms: this.alarms,
      refusal: (request) => this.#refusal(request),
      course: () => this.#course(),
      operated: (control, command) => {
        this.#operated(control, command);
      },
    });
  }

  /** Objects that take commands. */
  get controlCount(): number {
    return this.#controls.length;
  }

  /**
   * Changes values in one moment: one report. The time stamp beside a value becomes now, unless it
   * is among the updates. All of them are changed, or none.
   *
   * @throws GatewayError CONFIG_INVALID for what is no value of the model
   */
  update(updates: readonly DataUpdate[]): void {
    const changes = updates.map(({ reference, value }) => {
      const variable = this.find(reference);
      const fitting = variable === undefined ? undefined : valueOf(variable.type, value);
      if (variable === undefined || fitting === undefined) {
        throw invalid("not a value of the model", reference);
      }
      return { variable, fitting };
    });
    for (const { variable, fitting } of changes) variable.set(fitting);
    this.#stamp(changes.map(({ variable }) => variable));
    this.endMoment();
  }

  /** `DCPIBESS1/MMXU1.TotW.mag.f[MX]` */
  find(reference: string): Variable | undefined {
    const parsed = parseReference(reference);
    return parsed === undefined ? undefined : this.domains.get(parsed.ld)?.find(itemOf(parsed));
  }

  /** A client writes a variable that is no part of a report block or command. */
  write(domain: string, variable: Variable, value: MmsValue): WriteResult {
    if (!WRITABLE.has(variable.fc) || FIXED_NAMES.has(variable.name)) return REFUSED.accessDenied;
    // Whole levels of the model are not values that a client can set.
    if (variable.parent?.parent === undefined) return REFUSED.accessUnsupported;
    if (!fitsType(variable.type, value)) return REFUSED.typeInconsistent;
    if (holdsFixed(variable)) return REFUSED.accessDenied;
    variable.set(value);
    this.#stamp([variable]);
    this.endMoment();
    this.#hooks.written?.(`${domain}/${variable.item}`, value);
    return "accepted";
  }

  /** Lets the report blocks tell what has changed since the last time. */
  endMoment(): void {
    for (const { block } of this.reports) block.endMoment();
  }

  findDataSet(name: string, client: Client): DataSet | undefined {
    return this.dataSets.find(name, client);
  }

  hasFault(kind: MmsFaultKind): boolean {
    return this.#faults.has(kind);
  }

  /** Something begins to be wrong, or happens at once: see `MmsFault`. */
  inject(fault: MmsFault): void {
    switch (fault.kind) {
      case "configuration-changed":
        for (const { block } of this.reports) block.configurationRevision += 1;
        return;
      case "buffer-overflow":
        for (const { block } of this.reports) if (block.isBuffered) block.buffer.purge();
        return;
      default:
        this.#faults.set(fault.kind, fault);
        for (const listener of this.#faultListeners) listener();
    }
  }

  /** One kind of fault ends, or all. */
  heal(kind?: MmsFaultKind): void {
    if (kind === undefined) this.#faults.clear();
    else this.#faults.delete(kind);
    for (const listener of this.#faultListeners) listener();
  }

  /** @returns what ends it */
  onFault(listener: () => void): () => void {
    this.#faultListeners.add(listener);
    return () => this.#faultListeners.delete(listener);
  }

  /** The client reads again. */
  drained(client: Client): void {
    for (const { block } of this.reports) {
      if (block.reservation.client === client) block.drained();
    }
  }

  /** The association of a client has ended: what was its own is so no longer. */
  lost(client: Client): void {
    for (const { block } of this.reports) {
      if (block.reservation.client !== client) continue;
      if (block.isEnabled) block.disable();
      block.reservation.lost();
    }
    for (const { object } of this.#controls) object.lost(client);
    this.dataSets.lost(client);
  }

  #refusal(request: ControlRequest): number | undefined {
    const fault = this.#faults.get("refuse-control");
    if (fault?.kind === "refuse-control" && fault.stage === request.stage) {
      return fault.additionalCause;
    }
    return this.#hooks.refuse?.(request);
  }

  #course(): {
    readonly failure: number | undefined;
    readonly isTerminated: boolean;
    readonly lateMs: number;
    readonly isCut: boolean;
  } {
    const failing = this.#faults.get("fail-control");
    const late = this.#faults.get("late-termination");
    return {
      failure: failing?.kind === "fail-control" ? failing.additionalCause : undefined,
      isTerminated: !this.#faults.has("missing-termination"),
      lateMs: late?.kind === "late-termination" ? late.ms : 0,
      isCut: this.#faults.has("cut-after-operate"),
    };
  }

  #operated(control: BuiltControl, command: ControlCommand): void {
    this.#stamp(control.showFeedback(command));
    this.endMoment();
    this.#hooks.operated?.({ reference: control.reference, stage: "operate", command });
  }

  #stamp(touched: readonly Variable[]): void {
    const now = goodTime(this.#clock.utcNow());
    const stamps = new Set<Variable>();
    for (const variable of touched) {
      const stamp = stampBeside(variable);
      if (stamp !== undefined) stamps.add(stamp);
    }
    for (const variable of touched) stamps.delete(variable);
    for (const stamp of stamps) stamp.set(now);
  }
}

/** The `t` of the data object that a variable is part of, within the same constraint. */
function stampBeside(variable: Variable): Variable | undefined {
  for (let at = variable.parent; at?.parent?.parent !== undefined; at = at.parent) {
    const stamp = at.member("t");
    if (stamp?.type.kind === "utc-time") return stamp;
  }
  return undefined;
}

function holdsFixed(variable: Variable): boolean {
  assert(variable.fc !== undefined, "a variable with a value has a constraint");
  return variable.members.some((member) => FIXED_NAMES.has(member.name) || holdsFixed(member));
}
