/** Where a command writes. `process` is touched only in `cli.ts`. */
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
 * 0 done · 1 the answer is no · 2 wrong use or unreadable input · 3 could not reach something.
 */
export type ExitStatus = 0 | 1 | 2 | 3;

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
