import type { GatewayError } from "../../domain/errors.ts";
import { utcMs } from "../../domain/time.ts";
import type { Clock } from "../../domain/time.ts";
import { buildControl, type ControlCommand, smallNumber } from "../../wire/mms/control.ts";
import { additionalCauseWord, dataAccessErrorWord } from "../../wire/mms/error-words.ts";
import { type ControlObject, controlName, objectNameOf } from "../../wire/mms/names.ts";
import { memberType, type TypeSpec } from "../../wire/mms/type-spec.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import type { Dialogue } from "./dialogue.ts";
import { type ControlDesk, type Ending, type Ticket } from "./control-desk.ts";
import {
  type CommandOrder,
  CONTROL_MODELS,
  type ControlModel,
  type ControlOutcome,
  type ControlStage,
  type ControlTerms,
  type EngineWriteOutcome,
} from "./engine.ts";
import { readName } from "./reading.ts";
import type { Types } from "./typing.ts";
import { asGatewayError, unknownWhy, writeName } from "./writing.ts";

const TERMINATION_TIMEOUT_MS = 30_000;
/** A cancel is the last that is said of a command: nobody waits long for its answer. */
const CANCEL_TIMEOUT_MS = 1_000;

export interface ControlParts {
  readonly dialogue: Dialogue;
  readonly types: Types;
  readonly desk: ControlDesk;
  readonly clock: Clock;
  /** Models that were read; the device's own, so asked once per association. */
  readonly models: Map<string, ControlModel>;
}

type Refused = Extract<ControlOutcome, { outcome: "refused" }>;

/**
 * Gives one command by the model of its object: directly or after a selection, with or without a
 * termination. The steps of the model happen once each; nothing is repeated.
 */
export async function giveCommand(
  parts: ControlParts,
  object: ControlObject,
  order: { readonly order: CommandOrder; readonly terms: ControlTerms },
): Promise<ControlOutcome> {
  if (parts.desk.isBusy(object)) return refusedBefore("another command of ours is under way");
  const prepared = await prepare(parts, object, order);
  if ("outcome" in prepared) return prepared;
  // Another one may have begun while this one was being prepared.
  if (parts.desk.isBusy(object)) return refusedBefore("another command of ours is under way");
  const ticket: Ticket = {
    object,
    number: prepared.command.number,
    origin: prepared.command.origin,
    type: prepared.operType,
    cause: undefined,
    ended: () => undefined,
  };
  parts.desk.open(ticket);
  try {
    return await new Command(parts, prepared, ticket).run(order.terms);
  } finally {
    parts.desk.close(ticket);
  }
}

interface Prepared {
  readonly model: Exclude<ControlModel, "status-only">;
  readonly operType: TypeSpec;
  readonly oper: MmsValue;
  readonly selectWith: MmsValue | undefined;
  readonly cancel: MmsValue | undefined;
  readonly command: ControlCommand;
}

/** What needs no device to act: the model, the type, the structure. */
async function prepare(
  parts: ControlParts,
  object: ControlObject,
  { order, terms }: { readonly order: CommandOrder; readonly terms: ControlTerms },
): Promise<Prepared | Refused> {
  try {
    const model = await modelOf(parts, object, terms);
    if (typeof model !== "string") return model;
    if (model === "status-only") return refusedBefore("the object cannot be commanded");
    const { ld, ln, path } = object;
    const type = await parts.types.typeOf({ ld, ln, fc: "CO", path }, terms);
    const operType = type === undefined ? undefined : memberType(type, ["Oper"]);
    if (type === undefined || operType === undefined) return refusedBefore("there is no Oper");
    if (order.operateAt !== undefined && memberType(operType, ["operTm"]) === undefined) {
      return refusedBefore("the object cannot be commanded for a later time");
    }
    const command = commandOf(parts, object, order);
    return structures({ model, type, operType, command });
  } catch (error) {
    // Nothing was commanded yet, whatever went wrong.
    return refusedBefore(asGatewayError(error, terms.signal).message);
  }
}

async function modelOf(
  parts: ControlParts,
  object: ControlObject,
  terms: ControlTerms,
): Promise<ControlModel | Refused> {
  const reference = { ...object, fc: "CF", path: [...object.path, "ctlModel"] } as const;
  const name = objectNameOf(reference);
  const key = `${name.domain}/${name.item}`;
  const known = parts.models.get(key);
  if (known !== undefined) return known;
  const value = await readName(parts.dialogue, name, terms);
  if (value.kind === "error") {
    return { ...refusedBefore(`ctlModel: ${dataAccessErrorWord(value.code)}`), code: value.code };
  }
  const model = CONTROL_MODELS[smallNumber(value) ?? -1];
  if (model === undefined) return refusedBefore("the ctlModel is not one of the standard");
  parts.models.set(key, model);
  return model;
}

function commandOf(
  parts: ControlParts,
  object: ControlObject,
  order: CommandOrder,
): ControlCommand {
  return {
    ...order,
    operateAt: order.operateAt,
    number: parts.desk.nextNumber(object),
    time: {
      utcMs: utcMs(Math.max(0, Math.round(parts.clock.utcNow()))),
      quality: {
        isLeapSecondKnown: false,
        hasClockFailure: false,
        isNotSynchronised: false,
        accuracyBits: 10,
      },
    },
  };
}

function structures(from: {
  readonly model: Exclude<ControlModel, "status-only">;
  readonly type: TypeSpec;
  readonly operType: TypeSpec;
  readonly command: ControlCommand;
}): Prepared | Refused {
  const { model, type, operType, command } = from;
  const oper = buildControl(operType, command);
  if (oper.result === "misfit") return misfit("Oper", oper.component);
  const cancelType = memberType(type, ["Cancel"]);
  const cancel = cancelType === undefined ? undefined : buildControl(cancelType, command);
  const plain = {
    model,
    operType,
    oper: oper.value,
    command,
    cancel: cancel?.result === "built" ? cancel.value : undefined,
  };
  if (model !== "sbo-enhanced") return { ...plain, selectWith: undefined };
  const selectType = memberType(type, ["SBOw"]);
  if (selectType === undefined) return refusedBefore("there is no SBOw");
  const select = buildControl(selectType, command);
  if (select.result === "misfit") return misfit("SBOw", select.component);
  return { ...plain, selectWith: select.value };
}

function misfit(service: string, component: string): Refused {
  return refusedBefore(`the command does not fill ${service}.${component}`);
}

function refusedBefore(reason: string): Refused {
  return {
    outcome: "refused",
    stage: "model",
    code: undefined,
    additionalCause: undefined,
    reason,
    number: undefined,
  };
}

/** The steps of one command that is ready. */
class Command {
  readonly #parts: ControlParts;
  readonly #prepared: Prepared;
  readonly #ticket: Ticket;

  constructor(parts: ControlParts, prepared: Prepared, ticket: Ticket) {
    this.#parts = parts;
    this.#prepared = prepared;
    this.#ticket = ticket;
  }

  async run(terms: ControlTerms): Promise<ControlOutcome> {
    const { model } = this.#prepared;
    if (model === "sbo-normal" || model === "sbo-enhanced") {
      const failed = await this.#select(terms);
      if (failed !== undefined) return failed;
      if (terms.signal.aborted) {
        await this.#cancel();
        return this.#refused("select", undefined, "given up after the selection, and cancelled");
      }
    }
    return this.#operate(terms);
  }

  async #select(terms: ControlTerms): Promise<ControlOutcome | undefined> {
    const { selectWith } = this.#prepared;
    const outcome =
      selectWith === undefined ? await this.#selectPlain(terms) : await this.#selectWith(terms);
    // It may be selected, and nobody will operate it: another client is not to be kept out.
    if (outcome?.outcome === "unknown") await this.#cancel();
    return outcome;
  }

  async #selectWith(terms: ControlTerms): Promise<ControlOutcome | undefined> {
    const { selectWith } = this.#prepared;
    const written = await this.#write("SBOw", selectWith ?? this.#prepared.oper, terms);
    return written.outcome === "accepted" ? undefined : this.#failed("select", written);
  }

  /** The object answers with its own name when it is selected, and with nothing when it is not. */
  async #selectPlain(terms: ControlTerms): Promise<ControlOutcome | undefined> {
    try {
      const name = controlName(this.#ticket.object, "SBO");
      const value = await readName(this.#parts.dialogue, name, terms);
      if (value.kind === "error") {
        return this.#refused("select", value.code, dataAccessErrorWord(value.code));
      }
      const isText = value.kind === "text" || value.kind === "unicode";
      if (isText && value.value !== "") return undefined;
      return this.#refused("select", undefined, "not selected");
    } catch (error) {
      const known = asGatewayError(error, terms.signal);
      if (known.context["sent"] === false || known.code === "DEVICE_EXCEPTION") {
        return this.#refused("select", undefined, known.message);
      }
      return this.#unknown("select", known, terms.signal);
    }
  }

  async #operate(terms: ControlTerms): Promise<ControlOutcome> {
    const { model, oper } = this.#prepared;
    const isEnhanced = model === "direct-enhanced" || model === "sbo-enhanced";
    // Listened for before the command goes out: a fast device ends it before it answers.
    const ending = isEnhanced ? this.#ending(terms) : undefined;
    try {
      const written = await this.#write("Oper", oper, terms);
      if (written.outcome !== "accepted") {
        if (written.outcome === "refused" && !written.wasSent) await this.#cancel();
        return this.#failed("operate", written);
      }
      if (ending === undefined) return this.#accepted("response");
      const end = await ending.reached;
      if (end.error === undefined) return this.#accepted("termination");
      return this.#refused("termination", undefined, "the device broke the command off");
    } catch (error) {
      const known = asGatewayError(error, terms.signal);
      return this.#unknown("termination", known, terms.signal);
    } finally {
      ending?.forget();
    }
  }

  #ending(terms: ControlTerms): { readonly reached: Promise<Ending>; readonly forget: () => void } {
    const timeoutMs = terms.terminationTimeoutMs ?? TERMINATION_TIMEOUT_MS;
    const wait = this.#parts.dialogue.waits.begin<Ending>({ signal: terms.signal, timeoutMs });
    this.#ticket.ended = wait.resolve;
    return { reached: wait.promise, forget: wait.forget };
  }

  async #cancel(): Promise<void> {
    const { cancel } = this.#prepared;
    const { dialogue } = this.#parts;
    if (cancel === undefined || !dialogue.isUp) return;
    // The caller has given up: the cancel goes its own way, bounded by its deadline.
    const terms = { signal: new AbortController().signal, timeoutMs: CANCEL_TIMEOUT_MS };
    await writeName(dialogue, controlName(this.#ticket.object, "Cancel"), cancel, terms);
  }

  async #write(
    service: "SBOw" | "Oper",
    value: MmsValue,
    terms: ControlTerms,
  ): Promise<EngineWriteOutcome> {
    this.#ticket.cause = undefined;
    return writeName(this.#parts.dialogue, controlName(this.#ticket.object, service), value, terms);
  }

  #failed(
    stage: ControlStage,
    written: Exclude<EngineWriteOutcome, { outcome: "accepted" }>,
  ): ControlOutcome {
    if (written.outcome === "unknown") {
      const { number } = this.#ticket;
      return { outcome: "unknown", stage, why: written.why, number };
    }
    const word =
      written.code === undefined ? written.error.message : dataAccessErrorWord(written.code);
    return this.#refused(stage, written.code, word);
  }

  #accepted(confirmed: "response" | "termination"): ControlOutcome {
    const { model } = this.#prepared;
    return { outcome: "accepted", model, confirmed, number: this.#ticket.number };
  }

  #refused(stage: ControlStage, code: number | undefined, word: string): ControlOutcome {
    const { cause, number } = this.#ticket;
    const additionalCause = cause?.additionalCause;
    const reason =
      additionalCause === undefined ? word : `${word}: ${additionalCauseWord(additionalCause)}`;
    return { outcome: "refused", stage, code, additionalCause, reason, number };
  }

  #unknown(stage: ControlStage, error: GatewayError, signal: AbortSignal): ControlOutcome {
    const { number } = this.#ticket;
    return { outcome: "unknown", stage, why: unknownWhy(error, signal), number };
  }
}
