import { type ControlCommand, readControl } from "../../wire/mms/control.ts";
import { encodePdu } from "../../wire/mms/pdu.ts";
import type { WriteResult } from "../../wire/mms/response.ts";
import {
  type ApplicationError,
  type ControlNotice,
  encodeControlNotice,
} from "../../wire/mms/termination.ts";
import { fitsType } from "../../wire/mms/type-fit.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import type { Alarms } from "./alarms.ts";
import { isSameValue } from "./attribute-type.ts";
import type { Client } from "./client.ts";
import type { ControlStage } from "./fault.ts";
import type { ControlModel } from "./model.ts";
import { CAUSE, REFUSED } from "./refusals.ts";
import type { Variable } from "./variable.ts";

/** What the world around a control object says and does. */
export interface ControlWorld {
  /** The additional cause that forbids this; undefined when nothing does. */
  refusal(stage: ControlStage, command: ControlCommand | undefined): number | undefined;
  /** Mode of the logical node: test commands are for nodes under test, and only for them. */
  isUnderTest(): boolean;
  /** How an accepted command goes on. */
  course(): {
    readonly failure: number | undefined;
    readonly isTerminated: boolean;
    readonly lateMs: number;
    readonly isCut: boolean;
  };
  /** Carries a command out. */
  operate(command: ControlCommand): void;
}

export interface ControlTerms {
  readonly domain: string;
  /** `DRCC1$CO$OutWSet` */
  readonly variable: Variable;
  readonly model: ControlModel;
  readonly world: ControlWorld;
  readonly alarms: Alarms;
}

type Service = "SBO" | "SBOw" | "Oper" | "Cancel";

interface Selection {
  readonly client: Client;
  /** Undefined when selected without a value. */
  readonly command: ControlCommand | undefined;
  readonly end: () => void;
}

interface Execution {
  readonly client: Client;
  readonly command: ControlCommand;
  readonly value: MmsValue;
  readonly end: () => void;
}

const SELECT_TIMEOUT_MS = 30_000;
const ORIGIN_CATEGORY_MAX = 8;
/** The reason is in the additional cause alone, as known servers do it. */
const CONTROL_ERROR_NONE = 0;
const NO_CATEGORY = 0;

/**
 * A controllable data object: selected, operated, cancelled, one command at a time.
 *
 * @see IEC 61850-7-2, section 20.2 (state machines of the four control models)
 */
export class ControlObject {
  readonly #terms: ControlTerms;
  readonly #isEnhanced: boolean;
  readonly #isSelectable: boolean;
  #selection: Selection | undefined;
  #execution: Execution | undefined;
  /** A client that is gone hears of no termination. */
  readonly #gone = new WeakSet<Client>();

  constructor(terms: ControlTerms) {
    this.#terms = terms;
    const { model } = terms.model;
    this.#isEnhanced = model === "direct-enhanced" || model === "sbo-enhanced";
    this.#isSelectable = model === "sbo-normal" || model === "sbo-enhanced";
  }

  get isSelected(): boolean {
    return this.#selection !== undefined;
  }

  get isExecuting(): boolean {
    return this.#execution !== undefined;
  }

  /** Select without a value: a read, answered with the reference of the object or with nothing. */
  select(client: Client): MmsValue {
    const { domain, variable } = this.#terms;
    const cause = this.#selectRefusal(client) ?? this.#terms.world.refusal("select", undefined);
    if (cause !== undefined) return { kind: "text", value: "" };
    this.#take(client, undefined);
    return { kind: "text", value: `${domain}/${variable.item}` };
  }

  /** SBOw, Oper or Cancel. */
  write(service: Exclude<Service, "SBO">, value: MmsValue, client: Client): WriteResult {
    const member = this.#terms.variable.member(service);
    if (member === undefined) return REFUSED.accessDenied;
    if (!fitsType(member.type, value)) return REFUSED.typeInconsistent;
    const read = readControl(member.type, value);
    if (read.result === "misfit") return REFUSED.typeInconsistent;
    const { command } = read;
    const cause = this.#do(service, { client, command, value });
    if (cause === undefined) return "accepted";
    this.#explain(service, client, { command, cause });
    return REFUSED.accessDenied;
  }

  /** The association of a client has ended. */
  lost(client: Client): void {
    this.#gone.add(client);
    if (this.#selection?.client === client) this.#unselect();
  }

  #do(service: Exclude<Service, "SBO">, order: Order): number | undefined {
    const { command, client } = order;
    if (service === "Cancel") return this.#cancel(client, command);
    const stage = service === "SBOw" ? "select" : "operate";
    const cause =
      this.#stateRefusal(service, order) ??
      this.#commandRefusal(command) ??
      this.#terms.world.refusal(stage, command);
    if (cause !== undefined) {
      // A refused Oper ends the selection of its client, and of nobody else.
      if (service === "Oper" && this.#selection?.client === client) this.#unselect();
      return cause;
    }
    if (service === "SBOw") this.#take(client, command);
    else this.#execute(order);
    return undefined;
  }

  #stateRefusal(service: "SBOw" | "Oper", order: Order): number | undefined {
    if (service === "SBOw") return this.#selectRefusal(order.client);
    if (this.#execution !== undefined) return CAUSE.commandAlreadyInExecution;
    if (!this.#isSelectable) return undefined;
    const selection = this.#selection;
    if (selection === undefined) return CAUSE.objectNotSelected;
    if (selection.client !== order.client) return CAUSE.lockedByOtherClient;
    const { command } = selection;
    const isAsSelected = command === undefined || isSameCommand(command, order.command);
    return isAsSelected ? undefined : CAUSE.inconsistentParameters;
  }

  #selectRefusal(client: Client): number | undefined {
    if (this.#execution !== undefined) return CAUSE.commandAlreadyInExecution;
    const owner = this.#selection?.client;
    return owner !== undefined && owner !== client ? CAUSE.objectAlreadySelected : undefined;
  }

  #commandRefusal(command: ControlCommand): number | undefined {
    const { originCategories, least, most } = this.#terms.model;
    const { category } = command.origin;
    if (category < NO_CATEGORY || category > ORIGIN_CATEGORY_MAX) {
      return CAUSE.inconsistentParameters;
    }
    if (originCategories?.includes(category) === false) return CAUSE.noAccessAuthority;
    if (command.isTest !== this.#terms.world.isUnderTest()) return CAUSE.blockedByMode;
    const number = numberIn(command.value);
    if (number === undefined) return undefined;
    const isInside = number >= (least ?? -Infinity) && number <= (most ?? Infinity);
    return isInside ? undefined : CAUSE.inconsistentParameters;
  }

  #take(client: Client, command: ControlCommand | undefined): void {
    this.#unselect();
    const { alarms, model } = this.#terms;
    const end = alarms.after(model.selectTimeoutMs ?? SELECT_TIMEOUT_MS, () => {
      this.#selection = undefined;
    });
    this.#selection = { client, command, end };
  }

  #unselect(): void {
    this.#selection?.end();
    this.#selection = undefined;
  }

  #execute({ client, command, value }: Order): void {
    this.#unselect();
    const { alarms, model, world } = this.#terms;
    const course = world.course();
    const finish = (): void => {
      this.#execution = undefined;
      if (course.failure === undefined) world.operate(command);
      if (!this.#isEnhanced || !course.isTerminated) return;
      const order = { client, command, value };
      if (course.lateMs === 0) this.#terminate(order, course.failure);
      else
        alarms.after(course.lateMs, () => {
          this.#terminate(order, course.failure);
        });
    };
    const { executionMs = 0 } = model;
    // What takes no time and has no end to tell is done when it is answered: the next may come.
    if (executionMs === 0 && !this.#isEnhanced) finish();
    else this.#execution = { client, command, value, end: alarms.after(executionMs, finish) };
    if (course.isCut) client.cut();
  }

  #cancel(client: Client, command: ControlCommand): number | undefined {
    const { world } = this.#terms;
    const present = this.#execution ?? this.#selection;
    if (present === undefined) return CAUSE.objectNotSelected;
    if (present.client !== client) return CAUSE.lockedByOtherClient;
    const isSame = present.command === undefined || isSameCommand(present.command, command);
    if (!isSame) return CAUSE.inconsistentParameters;
    const cause = world.refusal("cancel", command);
    if (cause !== undefined) return cause;
    this.#unselect();
    const execution = this.#execution;
    if (execution === undefined) return undefined;
    execution.end();
    this.#execution = undefined;
    // Behind the answer to the Cancel.
    if (this.#isEnhanced) {
      this.#terms.alarms.after(0, () => {
        this.#terminate(execution, CAUSE.abortionByCancel);
      });
    }
    return undefined;
  }

  #terminate({ client, command, value }: Order, cause: number | undefined): void {
    const { domain, variable } = this.#terms;
    this.#send(client, {
      notice: "termination",
      name: { scope: "domain", domain, item: `${variable.item}$Oper` },
      command: value,
      error: cause === undefined ? undefined : this.#errorOf("Oper", command, cause),
    });
  }

  /** Why not, ahead of the refusal. Direct control with normal security has no such report. */
  #explain(
    service: Service,
    client: Client,
    refused: { readonly command: ControlCommand; readonly cause: number },
  ): void {
    if (this.#terms.model.model === "direct-normal") return;
    const error = this.#errorOf(service, refused.command, refused.cause);
    this.#send(client, { notice: "application-error", error });
  }

  #errorOf(service: Service, command: ControlCommand, additionalCause: number): ApplicationError {
    const { domain, variable } = this.#terms;
    return {
      object: `${domain}/${variable.item}$${service}`,
      error: CONTROL_ERROR_NONE,
      origin: command.origin,
      number: command.number,
      additionalCause,
    };
  }

  #send(client: Client, notice: ControlNotice): void {
    if (this.#gone.has(client)) return;
    const pdu = encodePdu({ kind: "information-report", report: encodeControlNotice(notice) });
    if (pdu.length <= client.pduOctets) client.send(pdu);
  }
}

interface Order {
  readonly client: Client;
  readonly command: ControlCommand;
  readonly value: MmsValue;
}

/** The parameters that must not change from the selection to the end: all but the time. */
function isSameCommand(a: ControlCommand, b: ControlCommand): boolean {
  return (
    a.number === b.number &&
    a.isTest === b.isTest &&
    a.origin.category === b.origin.category &&
    a.origin.identification === b.origin.identification &&
    isSamePlain(a.value, b.value)
  );
}

function isSamePlain(a: ControlCommand["value"], b: ControlCommand["value"]): boolean {
  if (typeof a === "object" && typeof b === "object") return isSameValue(a, b);
  return a === b;
}

/** The number of a setpoint; undefined for a switch. */
function numberIn(value: ControlCommand["value"]): number | undefined {
  if (typeof value !== "object") return typeof value === "boolean" ? undefined : Number(value);
  if (value.kind === "structure") {
    const [only] = value.members;
    return only === undefined ? undefined : numberIn(only);
  }
  const isNumber = value.kind === "float" || value.kind === "integer" || value.kind === "unsigned";
  return isNumber ? Number(value.value) : undefined;
}
