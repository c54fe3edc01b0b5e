import type { TlsOptions } from "node:tls";
import type { CommandCall, ExitStatus } from "../../../src/app/terminal.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import type { SclModel } from "../../../src/scl/model.ts";
import { servedModel } from "../../../src/simulator/iec61850/scl-model.ts";
import { type MmsServer, startMmsServer } from "../../../src/simulator/iec61850/server.ts";

/** An IED of an SCL file as a server on loopback. */
export interface ServedIed {
  readonly server: MmsServer;
  /** `127.0.0.1:<port>` */
  readonly address: string;
  readonly stop: () => Promise<void>;
}

export async function serve(scl: SclModel, tls?: TlsOptions): Promise<ServedIed> {
  const stop = new AbortController();
  const { model } = servedModel(scl);
  const options = { host: "127.0.0.1", port: 0, model, clock: new SystemClock() };
  const server = await startMmsServer(
    { ...options, ...(tls === undefined ? {} : { tls }) },
    stop.signal,
  );
  return {
    server,
    address: `127.0.0.1:${server.port}`,
    stop: async () => {
      stop.abort();
      await server.closed;
    },
  };
}

/** What a command said, and how it ended. */
export interface Said {
  readonly status: ExitStatus;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

export async function said(
  command: (call: CommandCall) => Promise<ExitStatus>,
  positionals: readonly string[],
  options: CommandCall["options"] = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Said> {
  const out: string[] = [];
  const err: string[] = [];
  const status = await command({
    positionals,
    options,
    terminal: {
      out: (line) => out.push(line),
      err: (line) => err.push(line),
      screen: undefined,
      hasColour: false,
      draw: () => undefined,
    },
    signal,
  });
  return { status, out, err };
}
