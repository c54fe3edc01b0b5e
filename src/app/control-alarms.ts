import { gatewayDeviceId } from "../config/point-table.ts";
import type { PlantEvent } from "../domain/event.ts";
import { RequestClient } from "../link/request-client.ts";
import { socketPath } from "../link/socket-paths.ts";
import { AlarmDesk, type AlarmDeskParts } from "./alarm-desk.ts";
import { type AlarmSink, followAlarms } from "./alarm-feed.ts";
import type { Role } from "./role.ts";
import { latchFilesOf } from "./saved-latches.ts";
import type { SiteContext } from "./site-context.ts";

/** What field tells is of the plant, and comes at once. */
const PAUSES_MS = { field: 0, services: 250 } as const;

/** Reads what was acknowledged and shelved, and opens the desk. */
export async function openAlarms(
  role: Pick<Role, "context" | "clock" | "log" | "random">,
  parts: {
    readonly tell: (event: PlantEvent) => void;
    readonly trips: AlarmDeskParts["trips"];
  },
): Promise<AlarmDesk> {
  const { context, clock, log } = role;
  const files = latchFilesOf(context, "alarms");
  return new AlarmDesk({
    clock,
    log,
    device: gatewayDeviceId("control"),
    segmentOf: segmentsOf(context),
    files,
    record: await files.load(),
    onEvent: parts.tell,
    trips: parts.trips,
  });
}

/**
 * Takes what the other processes tell until `signal` aborts. Field has devices of its own or is not
 * asked.
 */
export async function followNeighbours(
  role: Pick<Role, "context" | "clock" | "random">,
  desk: Pick<AlarmDesk, "field" | "services">,
  signal: AbortSignal,
): Promise<void> {
  const hasField = role.context.devices.some(({ config }) => config.process === "field");
  const asked = hasField ? (["field", "services"] as const) : (["services"] as const);
  await Promise.all(
    asked.map(async (source) => follow(role, { source, sink: desk[source] }, signal)),
  );
}

async function follow(
  { context, clock, random }: Pick<Role, "context" | "clock" | "random">,
  { source, sink }: { readonly source: "field" | "services"; readonly sink: AlarmSink },
  signal: AbortSignal,
): Promise<void> {
  const client = new RequestClient({
    socketPath: socketPath(context.runtimeDirectory, `${source}/alarms`),
    clock,
    random,
  });
  try {
    await followAlarms({ client, clock, sink, pauseMs: PAUSES_MS[source] }, signal);
  } finally {
    client.close();
  }
}

/** The connection of each device that shares it with another one. */
export function segmentsOf({
  devices,
}: Pick<SiteContext, "devices">): (device: string) => string | undefined {
  const byDevice = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const { config } of devices) {
    byDevice.set(config.id, config.connection);
    counts.set(config.connection, (counts.get(config.connection) ?? 0) + 1);
  }
  return (device) => {
    const connection = byDevice.get(device);
    return connection !== undefined && (counts.get(connection) ?? 0) > 1 ? connection : undefined;
  };
}
