import type { ControlPlan } from "../control/plan.ts";
import { gatewayDeviceId } from "../config/point-table.ts";
import type { PlantEvent } from "../domain/event.ts";
import { FlightRecorder } from "./flight-recorder.ts";
import { recordingOf, segmentHeader } from "./flight-recorder-settings.ts";
import { RecorderThread } from "./flight-recorder-thread.ts";
import type { Role } from "./role.ts";

/** A recorder with the thread that writes for it. */
export interface Recording {
  readonly recorder: FlightRecorder;
  /** Resolves when what was recorded is written, or after a while. */
  close(): Promise<void>;
}

/** The recording that the site wants; undefined where it wants none. */
export function openRecording(
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
  const header = segmentHeader(context, plan, { epoch, startedUtc: clock.utcNow() });
  const recorder = new FlightRecorder({
    sink: thread,
    header: () => header,
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
