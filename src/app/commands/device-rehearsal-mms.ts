import {
  type AssociateOptions,
  type Association,
  type AssociationCounters,
  type CallTerms,
  type CommandOrder,
  CONTROL_MODELS,
  type ControlModel,
  type ControlOutcome,
  type DataSetMember,
  type DirectoryEntry,
  type DownReason,
  type Engine,
  type EngineWriteOutcome,
  type Negotiated,
  type ReportPlan,
  type SubscribeResult,
} from "../../drivers/iec61850/engine.ts";
import {
  type ControlObject,
  type DataSetName,
  formatReference,
  type Reference,
} from "../../wire/mms/names.ts";
import type { TypeSpec } from "../../wire/mms/type-spec.ts";
import type { AccessResult, MmsValue } from "../../wire/mms/value.ts";
import { valueText } from "./iec61850-text.ts";

/** One service that would have gone on the wire. */
export interface RehearsedService {
  readonly service: "select" | "select with value" | "operate" | "write";
  /** With its functional constraint. */
  readonly reference: string;
  /** Undefined for a selection without one. */
  readonly value: string | undefined;
}

/**
 * An engine that reads from the device and keeps every write and command to itself, as if the
 * device had taken it.
 */
export class RehearsalEngine implements Engine {
  readonly name: Engine["name"];
  readonly services: RehearsedService[] = [];
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.name = engine.name;
  }

  async associate(options: AssociateOptions, signal: AbortSignal): Promise<Association> {
    const association = await this.#engine.associate(options, signal);
    return new RehearsalAssociation(association, this.services);
  }
}

class RehearsalAssociation implements Association {
  readonly #association: Association;
  readonly #services: RehearsedService[];

  constructor(association: Association, services: RehearsedService[]) {
    this.#association = association;
    this.#services = services;
  }

  get negotiated(): Negotiated {
    return this.#association.negotiated;
  }

  get counters(): AssociationCounters {
    return this.#association.counters;
  }

  get isUp(): boolean {
    return this.#association.isUp;
  }

  onDown(listener: (reason: DownReason) => void): () => void {
    return this.#association.onDown(listener);
  }

  directory(terms: CallTerms): AsyncIterable<DirectoryEntry> {
    return this.#association.directory(terms);
  }

  async typeOf(reference: Reference, terms: CallTerms): Promise<TypeSpec | undefined> {
    return this.#association.typeOf(reference, terms);
  }

  async dataSet(
    name: DataSetName,
    terms: CallTerms,
  ): Promise<readonly DataSetMember[] | undefined> {
    return this.#association.dataSet(name, terms);
  }

  async read(references: readonly Reference[], terms: CallTerms): Promise<readonly AccessResult[]> {
    return this.#association.read(references, terms);
  }

  async write(reference: Reference, value: MmsValue): Promise<EngineWriteOutcome> {
    const text = valueText(value, reference.path.at(-1) ?? "");
    this.#services.push({ service: "write", reference: formatReference(reference), value: text });
    return Promise.resolve({ outcome: "accepted" });
  }

  async control(
    object: ControlObject,
    order: CommandOrder,
    terms: CallTerms,
  ): Promise<ControlOutcome> {
    const model = await this.#modelOf(object, terms);
    const { value } = order;
    const text = typeof value === "object" ? valueText(value, "ctlVal") : String(value);
    const place = (service: string): string =>
      formatReference({ ...object, fc: "CO", path: [...object.path, service] });
    if (model === "sbo-normal") {
      this.#services.push({ service: "select", reference: place("SBO"), value: undefined });
    }
    if (model === "sbo-enhanced") {
      this.#services.push({ service: "select with value", reference: place("SBOw"), value: text });
    }
    this.#services.push({ service: "operate", reference: place("Oper"), value: text });
    return { outcome: "accepted", model, confirmed: "response", number: 0 };
  }

  /** A rehearsal takes no report block from whoever has it. */
  async subscribe(plan: ReportPlan): Promise<SubscribeResult> {
    const [block = ""] = plan.names;
    return Promise.resolve({ result: "refused", block, step: "rehearsal", code: undefined });
  }

  async release(terms: CallTerms): Promise<void> {
    await this.#association.release(terms);
  }

  abort(): void {
    this.#association.abort();
  }

  async #modelOf({ ld, ln, path }: ControlObject, terms: CallTerms): Promise<ControlModel> {
    const place: Reference = { ld, ln, fc: "CF", path: [...path, "ctlModel"] };
    const [value] = await this.#association.read([place], terms);
    const isNumber = value?.kind === "integer" || value?.kind === "unsigned";
    return (isNumber ? CONTROL_MODELS[Number(value.value)] : undefined) ?? "status-only";
  }
}
