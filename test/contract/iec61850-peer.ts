import type { Engine } from "../../src/drivers/iec61850/engine.ts";
import type { ControlCommand } from "../../src/wire/mms/control.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { measured, setpoint, status } from "../../src/simulator/iec61850/common-data-classes.ts";
import type { IedModel } from "../../src/simulator/iec61850/model.ts";
import { startMmsServer } from "../../src/simulator/iec61850/server.ts";

/** From here on a command is accepted and fails; from there on it is refused. Watts. */
export const FAILING_W = 100_000;
export const FORBIDDEN_W = 200_000;

/** A server of the contract's model: a meter, four setpoints, a data set, two report blocks. */
export interface EnginePeer {
  readonly port: number;
  /** Codes by which this server refuses, where the standard leaves it the choice. */
  readonly codes: { readonly control: number; readonly write: number };
  /** Sets the power of the meter, W. */
  change(powerW: number): void;
  /** Whether commands with a failing value fail, where the server does not see it by itself. */
  setFailing(isFailing: boolean): void;
  /** Keeps its connections and says nothing any more, until it thaws. */
  freeze(): void;
  thaw(): void;
  /** Goes away at once, as by the network. */
  vanish(): void;
  stop(): Promise<void>;
}

export interface EnginePlace {
  readonly engine: Engine;
  close(): void;
}

const CONTROLS = ["direct-normal", "sbo-normal", "direct-enhanced", "sbo-enhanced"] as const;

/** The model that `libiec61850_server.py` serves, without its thousand inputs. */
const MODEL: IedModel = {
  vendor: "Example Works",
  product: "Station controller",
  revision: "1",
  logicalDevices: [
    {
      name: "DCPIBESS1",
      logicalNodes: [
        {
          name: "LLN0",
          dataObjects: [status("Beh", "enum", 1)],
          dataSets: [{ name: "dsMeas", members: ["MMXU1.TotW[MX]", "MMXU1.Hz[MX]"] }],
          reports: (["urcb", "brcb"] as const).map((name) => ({
            name,
            isBuffered: name === "brcb",
            instances: 1,
            reportId: "shared",
            dataSet: "dsMeas",
            configurationRevision: 1,
            hasOwner: true,
          })),
        },
        { name: "MMXU1", dataObjects: [measured("TotW"), measured("Hz")] },
        ...CONTROLS.map((model, at) => ({
          name: `DRCC${at + 1}`,
          dataObjects: [setpoint("OutWSet", { model })],
        })),
      ],
    },
  ],
};

const NO_ACCESS_AUTHORITY = 8;
const BLOCKED_BY_PROCESS = 4;

/** Our own simulator as the peer. */
export async function simulatorPeer(): Promise<EnginePeer> {
  const stop = new AbortController();
  const hooks = {
    refuse: ({ command }: { readonly command: ControlCommand | undefined }) =>
      wattsOf(command) >= FORBIDDEN_W ? NO_ACCESS_AUTHORITY : undefined,
  };
  const server = await startMmsServer(
    { host: "127.0.0.1", port: 0, model: MODEL, clock: new SystemClock(), hooks },
    stop.signal,
  );
  return {
    port: server.port,
    codes: { control: 3, write: 3 },
    change: (powerW) => {
      server.device.update([{ reference: "DCPIBESS1/MMXU1.TotW.mag.f[MX]", value: powerW }]);
    },
    setFailing: (isFailing) => {
      if (isFailing) {
        server.device.inject({ kind: "fail-control", additionalCause: BLOCKED_BY_PROCESS });
      } else server.device.heal("fail-control");
    },
    freeze: () => {
      server.device.inject({ kind: "blackhole" });
    },
    thaw: () => {
      server.device.heal("blackhole");
    },
    vanish: () => {
      stop.abort();
    },
    stop: async () => {
      stop.abort();
      await server.closed;
    },
  };
}

function wattsOf(command: ControlCommand | undefined): number {
  const value = command?.value;
  if (typeof value !== "object" || value.kind !== "structure") return 0;
  const [f] = value.members;
  return f?.kind === "float" ? f.value : 0;
}
