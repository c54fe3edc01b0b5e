import type { ControlPlan } from "../control/plan.ts";
import { gatewayDeviceId } from "../config/point-table.ts";
import type { PlantEvent } from "../domain/event.ts";
import type { Answer } from "../link/request-server.ts";
import type { ControlHost, ControlHostParts } from "./control-host.ts";
import { openDaily } from "./daily-open.ts";
import { parseDay, parseWhy } from "./local-requests.ts";
import { FlightRecorder } from "./flight-recorder.ts";
import { recordingOf, segmentHeader } from "./flight-recorder-settings.ts";
import { RecorderThread } from "./flight-recorder-thread.ts";
import type { ThermalHost } from "./thermal-host.ts";
import { whyOfAll } from "./why-cooling.ts";
import type { Role } from "./role.ts";

/** A recorder with the thread that writes for it. */
interface Recording {
  readonly recorder: FlightRecorder;
  /** Resolves when what was recorded is written, or after a while. */
  close(): Promise<void>;
}

/** What is kept of the cycles: the recording, and what each day comes to. */
export interface Records {
  /** For the host of the cycles. */
  readonly parts: Pick<ControlHostParts, "recorder" | "daily">;
  /** What may be asked of it on the box. */
  answers(
    host: Pick<ControlHost, "why">,
    thermal: Pick<ThermalHost, "why"> | undefined,
  ): readonly (readonly [method: string, answer: Answer])[];
  /** Until `signal` has aborted; then the day is saved. */
  keep(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** @param plan undefined: the site has no control section, and there is nothing to record */
export async function openRecords(
  role: Pick<Role, "context" | "clock" | "log" | "epoch">,
  plan: ControlPlan | undefined,
  onEvent: (event: PlantEvent) => void,
): Promise<Records> {
  const recording = plan === undefined ? undefined : openRecording(role, plan, onEvent);
  const daily = await openDaily(role, onEvent);
  return {
    parts: { recorder: recording?.recorder, daily },
    answers: (host, thermal) => [
      [
        "why",
        async ({ params }) => {
          const utcNow = (): number => role.clock.utcNow();
          return Promise.resolve(whyOfAll({ host, thermal, utcNow }, ...parseWhy(params)));
        },
      ],
      ["daily", async ({ params }) => Promise.resolve(daily.report(parseDay(params)) ?? null)],
    ],
    keep: async (signal) => daily.keep(signal),
    close: async () => recording?.close(),
  };
}

/** The recording that the site wants; undefined where it wants none. */
function openRecording(
  role: Pick<Role, "context" | "clock" | "log" | "epoch">,
  plan: ControlPlan,
  onEvent: (event: PlantEvent) => void,
): Recording | undefined {
  const { context, clock, log, epoch } = role;
  const settings = recordingOf(context);
  if (settings === undefined) return undefined;
  const thread = new RecorderThread({
    ...settings,
    pointCount: context.table.points.length,
    onFailure: (error) => {
      log.error({ event: "recorder-failed", error: error.message }, "the recorder's thread failed");
    },
  });
  const run = { epoch, startedUtc: clock.utcNow() };
  // Of the settings in force, and of a shadow's where it writes for a while.
  const headers = new Map([[plan, segmentHeader(context, plan, run)]]);
  const headerOf = (inForce: ControlPlan): Uint8Array => {
    const header = headers.get(inForce) ?? segmentHeader(context, inForce, run);
    headers.set(inForce, header);
    return header;
  };
  const recorder = new FlightRecorder({
    sink: thread,
    header: headerOf,
    clock,
    segmentBytes: settings.limits.segmentBytes,
    device: gatewayDeviceId("control"),
    onEvent,
  });
  return {
    recorder,
    close: async () => thread.close(),
  };
}
