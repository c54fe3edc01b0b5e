import { readFile } from "node:fs/promises";
import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import { TsEngine } from "../../drivers/iec61850/association.ts";
import type { AssociateOptions, Association, TlsTerms } from "../../drivers/iec61850/engine.ts";
import { TimerWheel } from "../../drivers/wheel.ts";
import { SystemClock } from "../../platform/clock.ts";
import { WireError } from "../../wire/mms/wire-error.ts";
import {
  type CommandCall,
  type ExitStatus,
  hasFlag,
  numberOption,
  textOption,
} from "../terminal.ts";
import { causeText } from "./device-failure.ts";
import { type BrowsedDevice, BrowseLimit, browseModel } from "./iec61850-model.ts";
import { modelJson, treeLines } from "./iec61850-tree.ts";

/** @see IEC 61850-8-1, section 7 (TSAP over port 102); IEC 62351-3 (3782) */
const PORT = 102;
const TLS_PORT = 3_782;
const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** For everything, s: a device that answers each question late is not waited for without end. */
const TIMEOUT_S = 120;
/** Silence of a device that thinks is none of ours to judge here. */
const PROBE_PERIOD_MS = 60_000;

/**
 * `iec61850 browse <host[:port]>`: the model of a device as a tree. Only reads. Exit status: 0
 * shown, 2 wrong use, 3 not reached, or it did not answer to the end.
 */
export async function iec61850Browse(
  call: CommandCall,
  clock: Clock = new SystemClock(),
): Promise<ExitStatus> {
  const { terminal } = call;
  const [place] = call.positionals;
  const endpoint = place === undefined ? undefined : endpointOf(place, hasTls(call));
  if (endpoint === undefined) {
    const what = place === undefined ? "needs the address of a device" : `"${place}" is no address`;
    terminal.err(`iec61850 browse: ${what}: host, host:port or [address]:port`);
    return 2;
  }
  const options = { ...endpoint, ...(await tlsOf(call)) };
  const over = new AbortController();
  const signal = AbortSignal.any([call.signal, over.signal]);
  const timeoutS = numberOption(call, "timeout") ?? TIMEOUT_S;
  const timer = clock.sleep(timeoutS * 1_000, signal).then(
    () => {
      over.abort(new BrowseLimit(`not done in ${timeoutS} s; give it more with --timeout`));
    },
    () => undefined,
  );
  try {
    const devices = await browse(call, clock, { options, signal });
    if (hasFlag(call, "json"))
      terminal.out(JSON.stringify({ ...endpoint, devices: modelJson(devices) }));
    else for (const line of treeLines(devices)) terminal.out(line);
    return 0;
  } catch (error) {
    if (call.signal.aborted) return 3;
    terminal.err(`${endpoint.host}:${endpoint.port} ${sentenceOf(error)}`);
    return 3;
  } finally {
    over.abort();
    await timer;
  }
}

async function browse(
  call: CommandCall,
  clock: Clock,
  to: { readonly options: AssociateOptions; readonly signal: AbortSignal },
): Promise<readonly BrowsedDevice[]> {
  const { signal } = to;
  const engine = new TsEngine({ clock, wheel: new TimerWheel(clock) });
  const association = await engine.associate(
    {
      ...to.options,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      probePeriodMs: PROBE_PERIOD_MS,
    },
    signal,
  );
  try {
    const onProgress = (text: string): void => {
      if (call.terminal.screen !== undefined) call.terminal.err(text);
    };
    const hasValues = hasFlag(call, "values");
    return await browseModel(association, { signal, hasValues, onProgress });
  } finally {
    await goodBye(association, signal);
  }
}

async function goodBye(association: Association, signal: AbortSignal): Promise<void> {
  if (signal.aborted || !association.isUp) association.abort();
  else {
    await association.release({ signal }).catch(() => {
      association.abort();
    });
  }
}

/** Undefined for a text that names no address. */
export function endpointOf(
  text: string,
  isTls: boolean,
): { readonly host: string; readonly port: number } | undefined {
  const byDefault = isTls ? TLS_PORT : PORT;
  const [, inBrackets, plain, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = inBrackets ?? plain ?? (/^[0-9a-fA-F:.]+$/.test(text) ? text : undefined);
  const number = port === undefined ? byDefault : Number(port);
  if (host === undefined || number < 1 || number > 65_535) return undefined;
  return { host, port: number };
}

function hasTls(call: CommandCall): boolean {
  return hasFlag(call, "tls") || textOption(call, "ca") !== undefined;
}

/** @throws GatewayError FILE_UNREADABLE, CONFIG_INVALID */
async function tlsOf(call: CommandCall): Promise<{ readonly tls?: TlsTerms }> {
  if (!hasTls(call)) return {};
  const ca = textOption(call, "ca");
  if (ca === undefined) {
    const reason = "--tls needs --ca <file>: who may vouch for the device";
    throw new GatewayError("CONFIG_INVALID", { reason });
  }
  const certificate = textOption(call, "cert");
  const key = textOption(call, "key");
  if ((certificate === undefined) !== (key === undefined)) {
    throw new GatewayError("CONFIG_INVALID", { reason: "--cert and --key belong together" });
  }
  const identity =
    certificate === undefined || key === undefined
      ? undefined
      : { certificate: await textOfFile(certificate), key: await textOfFile(key) };
  const serverName = textOption(call, "server-name");
  return { tls: { trusted: await textOfFile(ca), identity, serverName } };
}

async function textOfFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new GatewayError("FILE_UNREADABLE", { file }, { cause });
  }
}

/** Faults of a directory that does not end. */
const ENDLESS: ReadonlySet<WireError["fault"]> = new Set([
  "too-many-elements",
  "directory-endless",
]);

/** What went wrong, with the address in front. Our own mistakes are thrown on. */
function sentenceOf(error: unknown): string {
  if (error instanceof BrowseLimit) return `was given up: ${error.message}`;
  if (error instanceof WireError && ENDLESS.has(error.fault)) {
    return `names more than a device has: ${error.message}`;
  }
  if (!(error instanceof GatewayError)) throw error;
  const { code, context } = error;
  switch (code) {
    case "LINK_REFUSED":
      return context["by"] === undefined
        ? `cannot be reached: ${causeText(error) ?? "the connection was refused"}`
        : `refuses the association (${String(context["by"])}); does it want TLS or a password?`;
    case "LINK_TIMEOUT":
      return "does not answer: is it a device of IEC 61850, and the port right?";
    case "LINK_LOST":
      return "closed the connection; it may allow fewer clients than it has";
    case "REPLY_MALFORMED":
      return "answers something that is no MMS";
    default:
      return `does not do it: ${error.message}`;
  }
}
