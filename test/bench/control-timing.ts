import path from "node:path";
import type { CycleTiming } from "../../src/app/cycle-runner.ts";
import type { ReadTiming } from "../../src/app/read-timing.ts";
import { RequestClient } from "../../src/link/request-client.ts";
import { socketPath } from "../../src/link/socket-paths.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import type { BenchSite } from "./bench-site.ts";
import { monotonicNow } from "./mqtt-wire.ts";
import { pause } from "./rig.ts";

export type ControlTiming = CycleTiming & { readonly reads: readonly ReadTiming[] };

const UP_MS = 60_000;
const ASK_AGAIN_MS = 500;

/** Resolves when gateway-control answers; a machine that does much else starts it slowly. */
export async function controlIsUp(site: BenchSite): Promise<void> {
  const untilMs = monotonicNow() + UP_MS;
  for (;;) {
    try {
      await controlTiming(site);
      return;
    } catch (error) {
      if (monotonicNow() > untilMs) throw error;
      await pause(ASK_AGAIN_MS);
    }
  }
}

/** What gateway-control says of its cycle, on its local socket. */
export async function controlTiming(site: BenchSite): Promise<ControlTiming> {
  const client = new RequestClient({
    socketPath: socketPath(path.join(site.folder, "run"), "control/local"),
    clock: new SystemClock(),
    random: () => 0,
  });
  try {
    return (await client.request("timing", {})) as ControlTiming;
  } finally {
    client.close();
  }
}
