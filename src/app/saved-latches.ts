import path from "node:path";
import { parseLatchRecord } from "../control/trip-record.ts";
import { LatchFiles, type LatchRecord } from "../platform/latch-files.ts";
import { roleFolder } from "./role.ts";
import type { SiteContext } from "./site-context.ts";

/**
 * Where control keeps its latches: `trips` with what people at the box have decided; `alarms` what
 * they have acknowledged and shelved.
 */
export function latchFilesOf(
  { dataDirectory }: Pick<SiteContext, "dataDirectory">,
  name: "trips" | "cooling" | "alarms" = "trips",
): LatchFiles {
  return new LatchFiles(path.join(roleFolder(dataDirectory, "control"), name));
}

/**
 * What was saved; undefined where nothing ever was.
 *
 * @param parse `unreadable` for anything else than a whole record
 */
export function savedLatches<T>(
  record: LatchRecord,
  parse: (document: unknown) => T | "unreadable",
): T | "unreadable" | undefined {
  if (record.state === "absent") return undefined;
  if (record.state === "unreadable") return "unreadable";
  try {
    return parse(JSON.parse(record.content));
  } catch {
    return "unreadable";
  }
}

/** Who has locked a device out, as far as the disk tells; undefined: nobody. */
export async function lockedOutBy(
  context: Pick<SiteContext, "dataDirectory">,
  device: string,
): Promise<string | undefined> {
  const saved = savedLatches(await latchFilesOf(context).load(), parseLatchRecord);
  if (saved === "unreadable") return "somebody, perhaps: the saved lockouts cannot be read";
  return saved?.authority?.lockouts.find(({ asset }) => asset === device)?.by;
}
