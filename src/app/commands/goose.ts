import { readFile } from "node:fs/promises";
import { GatewayError } from "../../domain/errors.ts";
import { SystemClock } from "../../platform/clock.ts";
import { createLogger } from "../../platform/log.ts";
import { Watchdog } from "../../platform/watchdog.ts";
import { runGoose } from "../goose-process.ts";
import { parseGooseSettings } from "../goose-settings.ts";
import type { CommandCall, ExitStatus } from "../terminal.ts";
import { siteFile } from "./roles.ts";

/** `goose`: hears GOOSE and tells supervised states, until it is stopped. */
export async function goose(call: CommandCall): Promise<ExitStatus> {
  const file = siteFile(call);
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new GatewayError("FILE_UNREADABLE", { file }, { cause });
  });
  const clock = new SystemClock();
  const log = createLogger("goose", "info");
  const watchdog = new Watchdog({
    environment: process.env,
    pid: process.pid,
    clock,
    onUnheard: (reason) => {
      log.error({ event: "watchdog-unheard", reason }, "the service manager hears nothing");
    },
  });
  const terms = {
    settings: parseGooseSettings(text),
    clock,
    log,
    random: Math.random,
    onReady: () => {
      watchdog.ready();
    },
    onTurn: () => {
      watchdog.feed();
    },
  };
  await runGoose(terms, call.signal);
  watchdog.stopping();
  return 0;
}
