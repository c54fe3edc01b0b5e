import type { CommandCall, ExitStatus } from "../../src/app/terminal.ts";

/** A command in this process, and the lines that it says. */
export async function runCommandHere(
  command: (call: CommandCall) => Promise<ExitStatus>,
  call: Pick<CommandCall, "positionals" | "options" | "signal">,
  { out, err }: { readonly out: string[]; readonly err: string[] },
): Promise<ExitStatus> {
  return command({
    ...call,
    terminal: {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      screen: undefined,
      hasColour: false,
      draw: () => undefined,
    },
  });
}
