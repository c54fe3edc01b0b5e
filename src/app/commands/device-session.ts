import path from "node:path";
import { isModbus } from "../../config/connection-port.ts";
import type { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import type { MakeLink } from "../../drivers/modbus/link-pool.ts";
import { SystemClock } from "../../platform/clock.ts";
import { holderOf } from "../../platform/single-instance.ts";
import { roleFolder } from "../role.ts";
import { type DeviceContext, loadContext, type SiteContext } from "../site-context.ts";
import { type CommandCall, type ExitStatus, numberOption } from "../terminal.ts";
import { type DeviceAccess, accessTo } from "./device-access.ts";
import { causeText } from "./device-failure.ts";
import { findDevice, WrongUse } from "./device-target.ts";
import { siteFile } from "./roles.ts";

/** Until a device has answered once, s: the slowest serial bus has read everything by then. */
const TIMEOUT_S = 10;

/** What a command on a device takes from outside; a test gives its own. */
export interface DeviceSurroundings {
  readonly clock?: Clock;
  readonly makeLink?: MakeLink;
  /** Asks a person; undefined when there is nobody to ask. */
  readonly ask?: (question: string, signal: AbortSignal) => Promise<string | undefined>;
}

/** Everything that the commands on one device begin with. */
export interface DeviceSession {
  readonly context: SiteContext;
  readonly device: DeviceContext;
  readonly access: DeviceAccess;
  readonly clock: Clock;
  readonly timeoutMs: number;
}

/**
 * The device that a command names: the first word behind it, of the site of `--config`.
 *
 * @returns the exit status when there is nothing to begin with; the reason was said
 * @throws WrongUse; GatewayError CONFIG_INVALID, FILE_UNREADABLE, PROFILE_MISSING, PROFILE_INVALID
 */
export async function beginOnDevice(
  call: CommandCall,
  verb: string,
  surroundings: DeviceSurroundings,
): Promise<DeviceSession | ExitStatus> {
  const [name] = call.positionals;
  if (name === undefined) {
    call.terminal.err(`device ${verb} needs the name of a device of the site`);
    return 2;
  }
  const context = await loadContext(siteFile({ ...call, positionals: [] }));
  const device = findDevice(context, name);
  const { clock = new SystemClock(), makeLink } = surroundings;
  const access = await accessTo({
    context,
    device,
    clock,
    ...(makeLink === undefined ? {} : { makeLink }),
  });
  const timeoutMs = (numberOption(call, "timeout") ?? TIMEOUT_S) * 1_000;
  return { context, device, access, clock, timeoutMs };
}

/** Says what was typed wrongly, and ends with 2. */
export async function sayingWrongUse(
  call: CommandCall,
  command: () => Promise<ExitStatus>,
): Promise<ExitStatus> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error;
    call.terminal.err(error.message);
    return 2;
  }
}

/** The process that drives a device now. */
export interface Holder {
  readonly role: string;
  /** 0 where it is not known. */
  readonly pid: number;
}

/**
 * Undefined while no gateway runs for the device.
 *
 * @throws GatewayError FILE_UNREADABLE when this user may not look
 */
export function holderOfDevice({ context, device }: DeviceSession): Holder | undefined {
  const { process: role } = device.config;
  const pid = holderOf(path.join(roleFolder(context.runtimeDirectory, role), "lock"));
  return pid === undefined ? undefined : { role: `gateway-${role}`, pid };
}

/** Why a device that takes one connection only is not read beside the gateway. */
export function soleConnectionOf(session: DeviceSession): string | undefined {
  const { device, access } = session;
  const { connection, profile } = device;
  const isSole = connection.protocol === "modbus-rtu" || profile.modbus.maxConnections === 1;
  const holder = isSole ? holderOfDevice(session) : undefined;
  if (holder === undefined) return undefined;
  return (
    `${holderText(holder)} has the only connection to ${device.config.id} (${access.place}); ` +
    `see what it reads with: dcpi-gateway points ${device.config.id}/`
  );
}

export function holderText({ role, pid }: Holder): string {
  return pid === 0 ? role : `${role} (process ${pid})`;
}

/** What went wrong on the way to a device, as a sentence. */
export function failureText(session: DeviceSession, error: GatewayError): string {
  const { device, access } = session;
  const where = `${device.config.id} at ${access.place}`;
  switch (error.code) {
    case "LINK_REFUSED":
      return `${where} cannot be reached: ${causeText(error) ?? "the connection was refused"}`;
    case "LINK_TIMEOUT":
      return isModbus(device.connection)
        ? `${where} does not answer; is the address right, and the unit id?`
        : `${where} does not answer; is it a device of IEC 61850, and the port right?`;
    case "LINK_LOST":
      return `${where} closed the connection; it may allow fewer connections than there are`;
    case "DEVICE_MISMATCH":
      return `${where} is not a ${device.profile.name}: ${String(error.context["problem"] ?? "")}`;
    default:
      return `${where}: ${error.message}`;
  }
}
