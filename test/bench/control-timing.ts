import path from "node:path";
import type { CycleTiming } from "../../src/app/cycle-runner.ts";
import type { ReadTiming } from "../../src/app/read-timing.ts";
import { RequestClient } from "../../src/link/request-client.ts";
import { socketPath } from "../../src/link/socket-paths.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import type { BenchSite } from "./bench-site.ts";

export type ControlTiming = CycleTiming & { readonly reads: readonly ReadTiming[] };

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
