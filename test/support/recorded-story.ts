import { SiteRecording } from "./recording.ts";
import { VirtualSite } from "./virtual-site.ts";

/** How the batteries are driven. */
export type Control = "smoothing" | "peak-cap";

/** The main acts of the demonstration, and what people and a cloud ask for meanwhile. */
async function story(recording: SiteRecording, control: Control): Promise<VirtualSite> {
  const site = await VirtualSite.open({ control, load: "mean", recorder: recording.make });
  await site.run(5);
  site.command({ action: { kind: "set-power", powerW: 6e6, rampWPerS: undefined } });
  await site.run(4);
  site.plant.load("training-1hz");
  await site.run(8);
  site.command({
    asset: "cdu-3",
    action: { kind: "set-point", point: "pump-speed-setpoint", value: 70 },
  });
  site.command({
    asset: "bess-1",
    priority: 5,
    leaseMs: 3_000,
    action: { kind: "set-power", powerW: -2e6, rampWPerS: 1e6 },
  });
  await site.run(5);
  void site.order({ kind: "hold", asset: "bess-1", by: "anna" });
  await site.run(1);
  void site.order({ kind: "release", asset: "bess-1", by: "anna" });
  await site.plant.order({ device: "pcc-meter", fault: "frozen" });
  await site.run(4);
  await site.plant.order({ device: "pcc-meter", fault: "none" });
  await site.plant.order({ device: "bess-1", fault: "silent" });
  await site.run(3);
  await site.plant.order({ device: "bess-1", fault: "none" });
  await site.run(3);
  await site.plant.order({ trip: "bess-2", cause: "emergency-stop" });
  await site.run(2);
  await site.killControl();
  await site.run(0.5);
  await site.startControl();
  await site.run(6);
  await site.plant.order({ clearCause: "bess-2" });
  await site.run(2);
  void site.order({ kind: "reset", trip: "all", by: "anna" });
  await site.run(2);
  return site;
}

const stories = new Map<Control, Promise<{ site: VirtualSite; recording: SiteRecording }>>();

/** Each is told once: what was recorded is looked at again and again. */
export async function recordedStory(
  control: Control,
): Promise<{ site: VirtualSite; recording: SiteRecording }> {
  const known = stories.get(control);
  if (known !== undefined) return known;
  const telling = (async () => {
    const recording = new SiteRecording();
    const site = await story(recording, control);
    await site.close();
    return { site, recording };
  })();
  stories.set(control, telling);
  return telling;
}
