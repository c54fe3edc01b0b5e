#!/usr/bin/env node
import { setMaxListeners } from "node:events";
import { parseArgs } from "node:util";
import { GatewayError } from "../domain/errors.ts";
import { listenForStop, StopRequest } from "../platform/stop.ts";
import { type CommandSpec, type ExitStatus, exitStatusOf, type Terminal } from "./terminal.ts";
import { findCommand, helpFor, optionsOf, usage, usageLine } from "./usage.ts";

const terminal: Terminal = {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  draw: (text) => process.stdout.write(text),
  get screen() {
    const { isTTY, columns, rows } = process.stdout;
    return isTTY ? { columns, rows } : undefined;
  },
  hasColour: process.stdout.isTTY && (process.env["NO_COLOR"] ?? "") === "",
};

// Whoever reads the output has seen enough: `points | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

async function main(argv: readonly string[]): Promise<ExitStatus> {
  const help = helpFor(argv);
  if (help !== undefined) {
    for (const line of help) terminal.out(line);
    return 0;
  }
  const found = findCommand(argv);
  if (found === undefined) {
    if (argv[0] !== undefined) terminal.err(`there is no command "${argv[0]}"`);
    for (const line of usage()) terminal.err(line);
    return 2;
  }
  const { command, rest } = found;
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(command, rest);
  } catch (error) {
    terminal.err(`${command.words}: ${(error as Error).message}`);
    terminal.err(usageLine(command));
    return 2;
  }
  const pipe = hasParentPipe() ? process.stdin : undefined;
  const stop = listenForStop(process, pipe);
  // Every device and every wait of a process listens to it; that is no leak.
  setMaxListeners(0, stop.signal);
  try {
    return await command.run({ ...parsed, terminal, signal: stop.signal });
  } catch (error) {
    return failed(error);
  } finally {
    stop.dispose();
  }
}

/** Children of `run` end when the pipe that their parent holds breaks. */
function hasParentPipe(): boolean {
  return process.env["DCPI_PARENT_PIPE"] === "1";
}

function parse(
  command: CommandSpec,
  args: readonly string[],
): {
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
} {
  const options = Object.fromEntries(
    optionsOf(command).map(([name, kind]) => [
      name,
      { type: kind === "flag" ? ("boolean" as const) : ("string" as const) },
    ]),
  );
  const { values, positionals } = parseArgs({
    args: args.map(shielded),
    options,
    allowPositionals: true,
  });
  return { positionals: positionals.map((text) => text.trimStart()), options: values };
}

/** A negative number is a value; its minus must not look like the beginning of an option. */
function shielded(argument: string): string {
  return /^-\.?\d/.test(argument) ? ` ${argument}` : argument;
}

function failed(error: unknown): ExitStatus {
  if (error instanceof StopRequest) return 0;
  if (!(error instanceof GatewayError)) throw error;
  terminal.err(error.message);
  return exitStatusOf(error);
}

process.exitCode = await main(process.argv.slice(2));
