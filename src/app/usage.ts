import { COMMANDS } from "./commands/table.ts";
import { VERSION } from "./package-root.ts";
import type { CommandSpec } from "./terminal.ts";

const HELP: ReadonlySet<string | undefined> = new Set(["--help", "-h"]);

/** The command whose words are the longest beginning of the arguments. */
export function findCommand(
  argv: readonly string[],
): { readonly command: CommandSpec; readonly rest: readonly string[] } | undefined {
  for (const length of [2, 1]) {
    const words = argv.slice(0, length).join(" ");
    const command = COMMANDS.find((candidate) => candidate.words === words);
    if (command !== undefined) return { command, rest: argv.slice(length) };
  }
  return undefined;
}

/**
 * What somebody wants to read who asks for help: about a command (`run --help`, `help run`), about
 * all that begin with a word (`config --help`), or about everything. Undefined: nobody asks.
 */
export function helpFor(argv: readonly string[]): readonly string[] | undefined {
  const isAsked = argv[0] === "help" || argv.some((word) => HELP.has(word));
  if (!isAsked) return undefined;
  const words = argv.filter((word) => word !== "help" && !HELP.has(word));
  const found = findCommand(words);
  if (found !== undefined) return commandUsage(found.command);
  const family = COMMANDS.filter((command) => command.words.startsWith(`${words[0] ?? ""} `));
  return family.length > 0 ? family.flatMap(commandUsage) : usage();
}

/** Every command in a line, and the exit statuses. */
export function usage(): readonly string[] {
  return [
    `dcpi-gateway ${VERSION}: data-centre plant to DCPI over MQTT`,
    "",
    ...COMMANDS.map(
      ({ words, usage: behind, summary }) => `  ${`${words} ${behind}`.padEnd(46)} ${summary}`,
    ),
    "",
    "Exit status: 0 done, 1 the answer is no, 2 wrong use or unreadable input, 3 not reached,",
    "             4 failed while running.",
  ];
}

export function usageLine({ words, usage: behind }: CommandSpec): string {
  return `usage: dcpi-gateway ${words} ${behind}`.trimEnd();
}

function commandUsage(command: CommandSpec): string[] {
  const names = optionsOf(command).map(([name, kind]) =>
    kind === "flag" ? `--${name}` : `--${name} …`,
  );
  return [usageLine(command), `  ${command.summary}`, `  options: ${names.join(", ")}`];
}

/** Every command can be asked for JSON. */
export function optionsOf({ options }: CommandSpec): readonly [string, "text" | "flag"][] {
  return [...Object.entries(options), ["json", "flag"]];
}
