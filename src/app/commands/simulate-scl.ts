import type { Readable } from "node:stream";
import { GatewayError } from "../../domain/errors.ts";
import { SystemClock } from "../../platform/clock.ts";
import { readIed } from "../../scl/ied.ts";
import type { SclModel } from "../../scl/model.ts";
import type { DataUpdate, IedDevice } from "../../simulator/iec61850/device.ts";
import type { ControlRequest } from "../../simulator/iec61850/control-request.ts";
import { parseStationFault } from "../../simulator/iec61850/fault-order.ts";
import { servedModel } from "../../simulator/iec61850/scl-model.ts";
import { startMmsServer } from "../../simulator/iec61850/server.ts";
import { encodePosition, type SwitchPosition } from "../../wire/mms/quality.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import { type CommandCall, type ExitStatus, numberOption, textOption } from "../terminal.ts";
import { readScl, tellProblems } from "./iec61850-import.ts";
import { ordersOf } from "./order-lines.ts";

const HOST = "127.0.0.1";
/** 102 is for who may open it; a gateway that runs beside is told this one. */
const PORT = 10_102;
const PORT_MAX = 65_535;
/** Names of what is left out that are listed; of the others the number. */
const LISTED_MAX = 20;
/** Values of one order. */
const VALUES_MAX = 1_000;
const POSITIONS: readonly SwitchPosition[] = ["intermediate", "open", "closed", "faulty"];

/**
 * `simulate --scl <file>`: an IED of an ICD, CID, IID or SCD file as a real server, with the values
 * of the file. Takes orders as lines of JSON: values that change (`{"set":{reference: value}}`, one
 * moment each) and faults (`{"fault":"blackhole"}`).
 * Exit status: 0 ended when it was told to, 1 the file is not usable, 2 wrong use or unreadable.
 */
export async function simulateScl(
  call: CommandCall,
  file: string,
  input: Readable = process.stdin,
): Promise<ExitStatus> {
  const port = numberOption(call, "port") ?? PORT;
  if (!Number.isInteger(port) || port > PORT_MAX) {
    call.terminal.err(`--port is a whole number up to ${PORT_MAX}; 0 takes any that is free`);
    return 2;
  }
  const xml = await readScl(file, call.signal);
  if ("problem" in xml) return tellProblems(call, file, [xml.problem]);
  const { model, problems } = readIed(xml.root, textOption(call, "ied"));
  if (model === undefined) return tellProblems(call, file, problems);
  await serve(call, { model, port, input });
  return 0;
}

async function serve(
  call: CommandCall,
  parts: { readonly model: SclModel; readonly port: number; readonly input: Readable },
): Promise<void> {
  const { terminal, signal } = call;
  const { model: scl, input } = parts;
  const { model, leftOut } = servedModel(scl);
  for (const name of leftOut.slice(0, LISTED_MAX)) terminal.err(`left out: ${name}`);
  if (leftOut.length > LISTED_MAX) terminal.err(`and ${leftOut.length - LISTED_MAX} more`);
  const host = textOption(call, "host") ?? HOST;
  const server = await startMmsServer(
    {
      host,
      port: parts.port,
      model,
      clock: new SystemClock(),
      hooks: {
        operated: (request) => {
          terminal.out(commandLine(request));
        },
        written: (reference, value) => {
          terminal.out(`${reference} was set to ${plainText(value)}`);
        },
      },
    },
    signal,
  );
  const { device } = server;
  terminal.out(`${scl.ied} listens on ${host} port ${server.port}`);
  terminal.out(contentsLine(scl, device));
  process.send?.({ ready: true });
  const orders = ordersOf(input, (order) => {
    const problem = obey(order, device);
    if (problem === undefined) terminal.out(`done: ${JSON.stringify(order)}`);
    else terminal.err(problem);
  });
  await server.closed;
  orders.close();
  input.destroy();
}

function contentsLine({ devices }: SclModel, device: IedDevice): string {
  const nodes = devices.flatMap((one) => one.nodes);
  const sets = nodes.reduce((count, node) => count + node.dataSets.length, 0);
  return (
    `${devices.length} logical devices with ${nodes.length} logical nodes, ${sets} data sets, ` +
    `${device.reports.length} report blocks and ${device.controlCount} objects that take commands`
  );
}

/** @returns what is wrong with the order, in a sentence; undefined when it is done */
function obey(order: unknown, device: IedDevice): string | undefined {
  if (typeof order !== "object" || order === null || Array.isArray(order)) return notAnOrder(order);
  const { set, fault, ...rest } = order as Readonly<Record<string, unknown>>;
  if (set !== undefined && fault === undefined && Object.keys(rest).length === 0)
    return change(set, device);
  if (typeof fault !== "string" || set !== undefined) return notAnOrder(order);
  if (fault !== "none") return harm({ fault, ...rest }, device);
  device.heal();
  return undefined;
}

/** One fault takes the place of another; a wrong order leaves what is there. */
function harm(
  order: Parameters<typeof parseStationFault>[0],
  device: IedDevice,
): string | undefined {
  const wanted = parseStationFault(order);
  if ("problem" in wanted) return wanted.problem;
  if (wanted.kind === "frozen") return "nothing moves here by itself that could stand still";
  device.heal();
  device.inject(wanted);
  return undefined;
}

function notAnOrder(order: unknown): string {
  const shown = typeof order === "string" ? order : JSON.stringify(order);
  return `no order: ${shown}; known are {"set":{reference: value}} and {"fault":kind}`;
}

function change(set: unknown, device: IedDevice): string | undefined {
  if (typeof set !== "object" || set === null || Array.isArray(set))
    return "set takes references with their values";
  const entries = Object.entries(set as Readonly<Record<string, unknown>>);
  if (entries.length > VALUES_MAX) return `set takes ${VALUES_MAX} values at most`;
  const updates: DataUpdate[] = [];
  for (const [reference, value] of entries) {
    const plain = plainValue(value, device.find(reference)?.type.kind === "bits");
    if (plain === undefined) return `${reference}: true, false, a number or a text is expected`;
    updates.push({ reference, value: plain });
  }
  try {
    device.update(updates);
    return undefined;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { reason = "", name = "" } = error.context;
    return `${name}: ${reason}`;
  }
}

/** Positions of a switch go by their words. */
function plainValue(value: unknown, isBits: boolean): DataUpdate["value"] | undefined {
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "string") return undefined;
  const position = POSITIONS.find((name) => isBits && name === value);
  return position === undefined ? value : { kind: "bits", ...encodePosition(position) };
}

function commandLine({ reference, command }: ControlRequest): string {
  if (command === undefined) return `${reference} was operated`;
  const { value, origin } = command;
  const who = `${origin.identification} (category ${origin.category})`;
  return `${reference} was operated with ${plainText(value)} by ${who}`;
}

function plainText(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  const { kind, members } = value as MmsValue & { readonly members?: readonly MmsValue[] };
  if (members !== undefined) return `{${members.map(plainText).join(", ")}}`;
  return "value" in value ? String(value.value) : kind;
}
