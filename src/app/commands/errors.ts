import { ERRORS } from "../../domain/errors.ts";
import { type CommandCall, type ExitStatus, hasFlag } from "../terminal.ts";

/** `errors`: every code that the gateway may name, with its meaning. */
export async function errors(call: CommandCall): Promise<ExitStatus> {
  const rows = Object.entries(ERRORS).map(([code, { retry, summary }]) => ({
    code,
    retry,
    summary,
  }));
  if (hasFlag(call, "json")) call.terminal.out(JSON.stringify(rows));
  else
    for (const { code, retry, summary } of rows)
      call.terminal.out(`${code.padEnd(20)} ${retry.padEnd(10)} ${summary}`);
  return Promise.resolve(0);
}
