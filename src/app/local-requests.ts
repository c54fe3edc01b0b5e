import type { LocalOrder } from "../control/exchange.ts";
import type { WorkloadNotice, WorkloadStep } from "../domain/announcement.ts";
import type { Command, CommandAction } from "../domain/command.ts";
import { GatewayError } from "../domain/errors.ts";
import { monotonicMs, utcMs } from "../domain/time.ts";

const TEXT_MAX_CHARACTERS = 200;
/** More than control takes; how many that are is its own business. */
const STEPS_MAX = 256;

type Fields = Readonly<Record<string, unknown>>;

/**
 * A command as services hands it over. The socket's rights say that it may; its form is checked all
 * the same.
 *
 * @throws GatewayError REQUEST_REFUSED
 */
export function parseCommand(params: unknown): Command {
  const fields = fieldsOf(params, "a command");
  return {
    id: text(fields, "id"),
    holder: text(fields, "holder"),
    asset: text(fields, "asset"),
    action: actionOf(fieldsOf(fields["action"], "action")),
    priority: number(fields, "priority"),
    sequence: number(fields, "sequence"),
    leaseMs: number(fields, "leaseMs"),
    notAfter: monotonicMs(number(fields, "notAfter")),
    receivedUtc: utcMs(number(fields, "receivedUtc")),
  };
}

/**
 * What a workload announces, as services hands it over.
 *
 * @throws GatewayError REQUEST_REFUSED
 */
export function parseNotice(params: unknown): WorkloadNotice {
  const fields = fieldsOf(params, "a notice");
  const { steps } = fields;
  if (!Array.isArray(steps) || steps.length > STEPS_MAX)
    throw refused(`steps is a list of at most ${STEPS_MAX}`);
  return {
    workload: text(fields, "workload"),
    powerW: fields["powerW"] === undefined ? undefined : number(fields, "powerW"),
    peakW: number(fields, "peakW"),
    steps: steps.map((step) => stepOf(fieldsOf(step, "a step"))),
    slackMs: number(fields, "slackMs"),
    withinMs: number(fields, "withinMs"),
    notAfter: monotonicMs(number(fields, "notAfter")),
  };
}

function stepOf(fields: Fields): WorkloadStep {
  return { at: monotonicMs(number(fields, "at")), powerW: number(fields, "powerW") };
}

/** @throws GatewayError REQUEST_REFUSED */
export function parseLocalOrder(params: unknown): LocalOrder {
  const fields = fieldsOf(params, "an order");
  const by = text(fields, "by");
  const { kind = "reset", mode } = fields;
  switch (kind) {
    case "reset":
      return { kind, trip: text(fields, "trip"), by };
    case "hold":
    case "stop":
    case "release":
    case "lockout":
    case "unlock":
      return { kind, asset: text(fields, "asset"), by };
    case "mode":
      if (mode !== "local" && mode !== "remote") throw refused("mode is local or remote");
      return { kind, mode, by };
    default:
      throw refused("an order is none of reset, hold, stop, release, lockout, unlock, mode");
  }
}

/**
 * What is asked for its reasons, and at which time, UTC ms.
 *
 * @throws GatewayError REQUEST_REFUSED
 */
export function parseWhy(params: unknown): [asked: string, atUtc: number | undefined] {
  const fields = fieldsOf(params, "a question");
  const atUtc = fields["atUtc"] === undefined ? undefined : number(fields, "atUtc");
  return [text(fields, "asked"), atUtc];
}

/**
 * The day that is asked for; undefined: the one that is on.
 *
 * @throws GatewayError REQUEST_REFUSED
 */
export function parseDay(params: unknown): string | undefined {
  const fields = fieldsOf(params, "a question");
  return fields["date"] === undefined ? undefined : text(fields, "date");
}

function actionOf(fields: Fields): CommandAction {
  switch (fields["kind"]) {
    case "set-power":
      return {
        kind: "set-power",
        powerW: number(fields, "powerW"),
        rampWPerS: fields["rampWPerS"] === undefined ? undefined : number(fields, "rampWPerS"),
      };
    case "reduce-import":
      return {
        kind: "reduce-import",
        reductionW: number(fields, "reductionW"),
        startsAt: monotonicMs(number(fields, "startsAt")),
      };
    case "release":
      return { kind: "release" };
    case "set-point":
      return { kind: "set-point", point: text(fields, "point"), value: number(fields, "value") };
    default:
      throw refused("action is none of set-power, reduce-import, release, set-point");
  }
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null) throw refused(`${what} is an object`);
  return value as Fields;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value.length > TEXT_MAX_CHARACTERS)
    throw refused(`${name} is a text of at most ${TEXT_MAX_CHARACTERS} characters`);
  return value;
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw refused(`${name} is a number`);
  return value;
}

function refused(reason: string): GatewayError {
  return new GatewayError("REQUEST_REFUSED", { reason });
}
