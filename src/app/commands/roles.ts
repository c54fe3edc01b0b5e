import path from "node:path";
import { GatewayError } from "../../domain/errors.ts";
import type { RoleName } from "../../domain/point.ts";
import { SystemClock } from "../../platform/clock.ts";
import { CHILD_LIMITS, type ChildLimits, ChildRole, runChildren } from "../../platform/child.ts";
import { runInRealTime } from "../../platform/scheduling.ts";
import { PACKAGE_ROOT } from "../package-root.ts";
import { roleLogger, startRole } from "../role.ts";
import { loadContext } from "../site-context.ts";
import { type CommandCall, type ExitStatus, textOption } from "../terminal.ts";

/** Control is stopped last, when nothing is left that could ask it for anything. */
const ROLES: readonly RoleName[] = ["services", "field", "control"];

/** `control`, `field`, `services`: one process of the gateway, until it is told to stop. */
export function roleCommand(name: RoleName): (call: CommandCall) => Promise<ExitStatus> {
  return async (call) => {
    const role = await startRole(name, siteFile(call));
    switch (name) {
      case "control":
        await (await import("../control-process.ts")).runControl(role, call.signal);
        return 0;
      case "field":
        await (await import("../field-process.ts")).runField(role, call.signal);
        return 0;
      case "services":
        await (await import("../services-process.ts")).runServices(role, call.signal);
        return 0;
    }
  };
}

/** `run`: all processes of the gateway, without systemd. */
export async function runGateway(call: CommandCall): Promise<ExitStatus> {
  const file = siteFile(call);
  await superviseRoles(file, call.signal);
  return 0;
}

/** Keeps every role running until `signal` aborts. */
export async function superviseRoles(
  file: string,
  signal: AbortSignal,
  logFile?: string,
): Promise<void> {
  const clock = new SystemClock();
  const { site } = await loadContext(file);
  const rampMs = site.control?.stopRampMs ?? 0;
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    DCPI_PARENT_PIPE: "1",
    ...(logFile === undefined ? {} : { DCPI_LOG_FILE: logFile }),
  };
  const log = roleLogger("run", environment);
  const children = ROLES.map(
    (name) =>
      new ChildRole({
        name,
        command: process.execPath,
        args: [...process.execArgv, cliFile(), name, "--config", file],
        environment,
        clock,
        random: Math.random,
        limits: name === "control" ? controlLimits(rampMs) : CHILD_LIMITS,
        onState: (state) => {
          // From its birth, as its unit does: a restart must not wait for anybody.
          if (state.state === "started" && name === "control") runInRealTime(state.pid);
          log.info({ event: `role-${state.state}`, role: name, ...state }, "role changed");
        },
      }),
  );
  await runChildren(children, signal);
}

/** It ends after a ramp, and is back before batteries revert, however often it dies. */
function controlLimits(rampMs: number): ChildLimits {
  const { firstRestartMs, graceMs } = CHILD_LIMITS;
  return { ...CHILD_LIMITS, longestRestartMs: firstRestartMs, graceMs: graceMs + rampMs };
}

export function cliFile(): string {
  const isSource = import.meta.url.endsWith(".ts");
  return isSource
    ? path.join(PACKAGE_ROOT, "src", "app", "cli.ts")
    : path.join(PACKAGE_ROOT, "dist", "src", "app", "cli.js");
}

/** @throws GatewayError CONFIG_INVALID when the option is missing */
export function siteFile(call: CommandCall): string {
  const file = textOption(call, "config") ?? call.positionals[0];
  if (file === undefined)
    throw new GatewayError("CONFIG_INVALID", { reason: "--config <site file> is missing" });
  return path.resolve(file);
}
