import path from "node:path";
import { gatewayDeviceId } from "../config/point-table.ts";
import type { PlantEvent } from "../domain/event.ts";
import { DailyDesk, readDays } from "./daily.ts";
import { type Role, roleFolder } from "./role.ts";
import type { SiteFolders } from "./site-context.ts";

/** Where control keeps its days. */
export function dailyFile({ dataDirectory }: Pick<SiteFolders, "dataDirectory">): string {
  return path.join(roleFolder(dataDirectory, "control"), "daily.json");
}

/** The desk of the daily lines, with what was saved. */
export async function openDaily(
  { context, clock, log }: Pick<Role, "context" | "clock" | "log">,
  onEvent: (event: PlantEvent) => void,
): Promise<DailyDesk> {
  const file = dailyFile(context);
  return new DailyDesk({
    file,
    saved: await readDays(file),
    clock,
    device: gatewayDeviceId("control"),
    onEvent,
    onFailure: ({ code, message }) => {
      log.warn({ event: "daily-not-saved", code }, message);
    },
  });
}
