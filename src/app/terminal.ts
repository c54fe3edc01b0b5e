import { type ErrorCode, GatewayError } from "../domain/errors.ts";

/** Where a command writes, so that its output can be tested without a terminal. */
export interface Terminal {
  out(line: string): void;
  err(line: string): void;
  /** Size of the screen; undefined when the output is no terminal. */
  readonly screen: { readonly columns: number; readonly rows: number } | undefined;
  /** False under NO_COLOR and without a terminal. */
  readonly hasColour: boolean;
  /** Writes as it is: for pictures that are redrawn in place. */
  draw(text: string): void;
}

/**
 * 0 done · 1 the answer is no · 2 wrong use or unreadable input, nobody starts it again · 3 could
 * not reach something · 4 failed while running, to be started again.
 */
export type ExitStatus = 0 | 1 | 2 | 3 | 4;

/** Errors that say that something could not be reached. */
const UNREACHABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "BROKER_UNREACHABLE",
  "PEER_LOST",
  "REQUEST_TIMEOUT",
  "LINK_REFUSED",
  "LINK_TIMEOUT",
]);

/** How a command ends that an error ended. */
export function exitStatusOf(error: GatewayError): ExitStatus {
  if (error.retry === "permanent") return 2;
  if (error.code === "REQUEST_REFUSED") return 1;
  return UNREACHABLE.has(error.code) ? 3 : 4;
}

/** Arguments behind the words of the command. */
export interface CommandCall {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly terminal: Terminal;
  /** Aborts when a person or the service asks the process to end. */
  readonly signal: AbortSignal;
}

export interface CommandSpec {
  /** `config check`. */
  readonly words: string;
  /** Behind the words: `<file>`. */
  readonly usage: string;
  readonly summary: string;
  /** Options by name; every command also knows `--json`. */
  readonly options: Readonly<Record<string, "text" | "flag">>;
  readonly run: (call: CommandCall) => Promise<ExitStatus>;
}

export function textOption(call: CommandCall, name: string): string | undefined {
  const value = call.options[name];
  return typeof value === "string" ? value : undefined;
}

export function hasFlag(call: CommandCall, name: string): boolean {
  return call.options[name] === true;
}

/**
 * @returns a number, nought or more; undefined where the option was not given
 * @throws GatewayError CONFIG_INVALID when it is something else
 */
export function numberOption(call: CommandCall, name: string): number | undefined {
  const text = textOption(call, name);
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value) || value < 0)
    throw new GatewayError("CONFIG_INVALID", {
      option: `--${name}`,
      reason: "it takes a number, nought or more",
    });
  return value;
}
