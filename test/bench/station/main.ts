/**
 * A server of IEC 61850 for the bench, in a process of its own: 1,000 measured values and a report
 * block of ten. Says its port when it listens; `{reportsPerS}` lets the values change so often, 0
 * ends it.
 */
import { SystemClock } from "../../../src/platform/clock.ts";
import { measured, status } from "../../../src/simulator/iec61850/common-data-classes.ts";
import type { IedDevice } from "../../../src/simulator/iec61850/device.ts";
import type { IedModel, LogicalNodeModel } from "../../../src/simulator/iec61850/model.ts";
import { startMmsServer } from "../../../src/simulator/iec61850/server.ts";

const LD = "DCPIBENCH1";
const NODES = 20;
const OBJECTS = 50;
const ENTRIES = 10;
const TICK_MS = 2;

const REPORTED = Array.from({ length: ENTRIES }, (_, at) => `GGIO1.AnIn${at + 1}`);

function node(number: number): LogicalNodeModel {
  return {
    name: `GGIO${number}`,
    dataObjects: Array.from({ length: OBJECTS }, (_, at) => measured(`AnIn${at + 1}`, at)),
  };
}

const MODEL: IedModel = {
  vendor: "bench",
  product: "bench",
  revision: "1",
  logicalDevices: [
    {
      name: LD,
      logicalNodes: [
        {
          name: "LLN0",
          dataObjects: [status("Beh", "enum", 1)],
          dataSets: [{ name: "dsBench", members: REPORTED.map((name) => `${name}[MX]`) }],
          reports: [{ name: "urcbBench", isBuffered: false, dataSet: "dsBench" }],
        },
        ...Array.from({ length: NODES }, (_, at) => node(at + 1)),
      ],
    },
  ],
};

const end = new AbortController();
const server = await startMmsServer(
  { host: "127.0.0.1", port: 0, model: MODEL, clock: new SystemClock() },
  end.signal,
);
process.send?.({ port: server.port });

let timer: NodeJS.Timeout | undefined;
process.on("message", (message) => {
  const { reportsPerS } = message as { readonly reportsPerS: number };
  clearInterval(timer);
  timer = reportsPerS > 0 ? report(server.device, reportsPerS) : undefined;
});
process.on("disconnect", () => {
  clearInterval(timer);
  end.abort();
});

/** So many reports a second, however late the timer is. */
function report(device: IedDevice, perS: number): NodeJS.Timeout {
  const startedAt = performance.now();
  let made = 0;
  return setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * perS) / 1_000);
    for (; made < due; made += 1) {
      const value = made % 1_000_000;
      device.update(
        REPORTED.map((name, at) => ({
          reference: `${LD}/${name}.mag.f[MX]`,
          value: value + at / ENTRIES,
        })),
      );
    }
  }, TICK_MS);
}
