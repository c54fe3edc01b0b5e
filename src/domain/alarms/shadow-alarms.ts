import type { AlarmChapter } from "./entry.ts";

export const SHADOW_ALARMS: AlarmChapter = {
  title: "Other settings on trial",
  entries: [
    {
      id: "shadow-writes",
      means: "The settings of `control.shadow` drive the batteries instead of the configured ones.",
      done:
        "They took over from what the batteries gave, at the ramp. The configured settings look " +
        "on and are compared; a restart of control, local mode, or the end of the time that was " +
        "allowed at the box brings them back.",
      remedy:
        "None, if it is wanted. Else `dcpi-gateway shadow disarm` on the box: it acts in the " +
        "next cycle.",
      reset: "itself",
    },
  ],
};
