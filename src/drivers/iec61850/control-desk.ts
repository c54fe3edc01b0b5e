import { type ControlObject, controlOf, formatReference } from "../../wire/mms/names.ts";
import { type Origin, readControl } from "../../wire/mms/control.ts";
import type { ApplicationError, ControlNotice } from "../../wire/mms/termination.ts";
import type { TypeSpec } from "../../wire/mms/type-spec.ts";

/** How a command ended, as the device said by itself. */
export interface Ending {
  readonly error: ApplicationError | undefined;
}

/** One command under way: what belongs to it, and what the device said about it. */
export interface Ticket {
  readonly object: ControlObject;
  readonly number: number;
  readonly origin: Origin;
  /** Of Oper, by which an ending is read. */
  readonly type: TypeSpec;
  /** Why the device refuses: it comes before the refusal. */
  cause: ApplicationError | undefined;
  ended: (ending: Ending) => void;
}

/**
 * Numbers commands and brings what the device says about one to whom it belongs: terminations and
 * causes of other clients, and those that come after their command was given up, are counted only.
 */
export class ControlDesk {
  readonly #numbers = new Map<string, number>();
  readonly #open = new Map<string, Ticket>();
  readonly counters = { strayTerminations: 0, strayErrors: 0 };

  isBusy(object: ControlObject): boolean {
    return this.#open.has(keyOf(object));
  }

  /** 0 to 255, one more than the last one of this object. */
  nextNumber(object: ControlObject): number {
    const key = keyOf(object);
    const number = ((this.#numbers.get(key) ?? 0) + 1) & 0xff;
    this.#numbers.set(key, number);
    return number;
  }

  open(ticket: Ticket): void {
    this.#open.set(keyOf(ticket.object), ticket);
  }

  close(ticket: Ticket): void {
    this.#open.delete(keyOf(ticket.object));
  }

  notice(notice: ControlNotice): void {
    if (notice.notice === "application-error") {
      this.#cause(notice.error);
      return;
    }
    const { domain, item } = notice.name;
    const control = controlOf(domain, item);
    const ticket = control === undefined ? undefined : this.#open.get(keyOf(control.object));
    if (ticket === undefined || !isOwn(ticket, notice)) {
      this.counters.strayTerminations += 1;
      return;
    }
    ticket.cause = notice.error ?? ticket.cause;
    ticket.ended({ error: notice.error });
  }

  #cause(error: ApplicationError): void {
    const slash = error.object.indexOf("/");
    const control = controlOf(error.object.slice(0, slash), error.object.slice(slash + 1));
    const ticket = control === undefined ? undefined : this.#open.get(keyOf(control.object));
    if (ticket === undefined || !isSame(ticket, error)) {
      this.counters.strayErrors += 1;
      return;
    }
    ticket.cause = error;
  }
}

/** The device repeats the command that ended: number and origin say whose it was. */
function isOwn(ticket: Ticket, notice: Extract<ControlNotice, { notice: "termination" }>): boolean {
  const { command, error } = notice;
  if (error !== undefined && !isSame(ticket, error)) return false;
  if (command.kind === "error") return false;
  const read = readControl(ticket.type, command);
  return read.result === "command" && isSame(ticket, read.command);
}

function isSame(
  ticket: Ticket,
  other: { readonly number: number; readonly origin: Origin },
): boolean {
  const { category, identification } = ticket.origin;
  return (
    other.number === ticket.number &&
    other.origin.category === category &&
    other.origin.identification === identification
  );
}

function keyOf(object: ControlObject): string {
  return formatReference({ ...object, fc: "CO" });
}
