import path from "node:path";
import type { ControlPlan } from "../control/plan.ts";
import { canonicalHash, canonicalJson } from "../profiles/canonical-json.ts";
import { FORMAT_VERSION } from "../recorder/segment.ts";
import type { SegmentHeader } from "../recorder/header.ts";
import { fieldStreamsForControl } from "./control-streams.ts";
import type { RecordingLimits } from "./flight-recorder-files.ts";
import { VERSION } from "./package-root.ts";
import { roleFolder } from "./role.ts";
import type { SiteContext } from "./site-context.ts";

const BYTES_PER_MIB = 1_024 * 1_024;
export const RECORDER_DEFAULTS = { enabled: true, segmentMiB: 16, segments: 16 } as const;

/** Where and how much is recorded; undefined where the site wants none, or has no control. */
export function recordingOf(
  context: Pick<SiteContext, "site" | "file" | "dataDirectory">,
): { readonly folder: string; readonly limits: RecordingLimits } | undefined {
  const { site, file, dataDirectory } = context;
  if (site.control === undefined) return undefined;
  const recorder = { ...RECORDER_DEFAULTS, ...site.control.recorder };
  if (!recorder.enabled) return undefined;
  const { segments, segmentMiB } = recorder;
  const folder = folderOf(recorder, file, dataDirectory);
  return { folder, limits: { segments, segmentBytes: segmentMiB * BYTES_PER_MIB } };
}

function folderOf(
  { directory }: { readonly directory?: string },
  file: string,
  dataDirectory: string,
): string {
  return directory === undefined
    ? path.join(roleFolder(dataDirectory, "control"), "recorder")
    : path.resolve(path.dirname(file), directory);
}

/** What every segment of a run begins with, made once. */
export function segmentHeader(
  context: Pick<SiteContext, "site" | "table">,
  plan: ControlPlan,
  run: { readonly epoch: number; readonly startedUtc: number },
): Uint8Array {
  const { site, table } = context;
  const { devices } = table;
  const fromField = fieldStreamsForControl(context as SiteContext);
  const seen = devices.filter(
    ({ stream, producer }) => producer === "control" || fromField.has(stream),
  );
  const points = seen.flatMap(({ firstPoint, pointCount }) =>
    table.points
      .slice(firstPoint, firstPoint + pointCount)
      .map(({ index, id, unit }) => [index, id, unit ?? null] as const),
  );
  const header: SegmentHeader = {
    format: FORMAT_VERSION,
    version: VERSION,
    engine: `node ${process.version} on ${process.arch}`,
    site: site.site,
    gateway: site.gateway,
    ...run,
    periodMs: plan.periodMs,
    tableHash: table.hash,
    planHash: canonicalHash(plan),
    plan,
    points,
  };
  return new TextEncoder().encode(canonicalJson(header));
}
