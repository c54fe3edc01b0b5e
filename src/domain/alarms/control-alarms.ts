import type { AlarmChapter } from "./entry.ts";

export const CONTROL_ALARMS: AlarmChapter = {
  title: "Batteries in control",
  entries: [
    {
      id: "unit-silent",
      means: "A battery converter does not answer any more.",
      done:
        "Nothing more can be sent to it. It counts at its last power until its " +
        "own reversion time has passed or the meter shows otherwise; then the others take over.",
      remedy: "Look at its network and its controller. Do not assume that it has stopped.",
      reset: "itself",
    },
    {
      id: "pcs-fault",
      means: "A battery converter reports a fault and gives no power.",
      done: "The others took over its share in the next cycle, as far as they can.",
      remedy: "Read the converter's fault code and follow its maker; start it there.",
      reset: "device",
    },
    {
      id: "setpoint-differs",
      means: "A converter shows another setpoint than the one that was sent.",
      done: "The setpoint is sent again, and counted; its real power is what control counts with.",
      remedy:
        "Look for somebody else who writes to it: its own schedule, a second controller, a panel.",
      reset: "itself",
    },
    {
      id: "second-writer",
      means: "Somebody else than this gateway wrote a setpoint to a converter.",
      done:
        "The gateway left the converter to them: it writes nothing more to it but a stop of " +
        "protection, and counts it at what it gives.",
      remedy:
        "Find out who writes: a panel, a service computer, a second controller. When they are " +
        "done: `dcpi-gateway release <asset>`.",
      reset: "release",
    },
    {
      id: "operator-stop",
      means: "A person at the box stopped a battery.",
      done: "Stop and zero are written until they are read back, and again whenever they are not.",
      remedy: "Whoever stopped it lets it go: `dcpi-gateway release <asset>`.",
      reset: "release",
    },
    {
      id: "local-mode",
      means: "A person at the box, or the plant's selector, keeps commands from afar out.",
      done:
        "Commands in force were let go at their ramp; new ones are refused. Protection, " +
        "smoothing and the peak cap go on.",
      remedy: "Turn the selector back, or `dcpi-gateway mode remote`. Nothing from afar can do it.",
      reset: "itself",
    },
    {
      id: "local-order",
      means: "A person at the box held, stopped, released or locked an asset, or changed the mode.",
      done: "It is in force from the next cycle on, saved, and recorded with the name.",
      remedy: "None.",
      reset: "never",
    },
    {
      id: "write-refused",
      means: "A converter refused a setpoint.",
      done: "The others take its share; it is asked again later.",
      remedy: "Look whether it stands on local, is locked, or has limits of its own.",
      reset: "itself",
    },
    {
      id: "envelope-clamped",
      means: "A value was asked for that the envelope of the site does not let through.",
      done: "What the envelope allows was written, or nothing.",
      remedy: "Ask whoever sent the command, or widen the envelope in the site file on purpose.",
      reset: "itself",
    },
    {
      id: "lease-expired",
      means: "A command ended because nobody renewed it.",
      done: "Its power ramps away.",
      remedy: "None, if that was meant; else look why the sender is silent.",
      reset: "never",
    },
    {
      id: "reserve-reached",
      means: "A battery is at its reserve for the loss of the grid.",
      done: "It is not discharged further, whatever is asked.",
      remedy: "Expect the import to rise; charge when the load allows.",
      reset: "itself",
    },
    {
      id: "battery-budget",
      means: "Most of the energy that the batteries may give in a day is given.",
      done: "The import is left alone within a wider band, so that the rest lasts.",
      remedy: "None at once; if it comes every day, raise `dailyEnergyKwh` or calm the load.",
      reset: "itself",
    },
    {
      id: "smoothing-off",
      means: "The batteries have given what they may in a day.",
      done: "The load is not smoothed any more; protection goes on.",
      remedy: "Tell the grid operator if a ramp is agreed. It ends as the 24 hours move on.",
      reset: "itself",
    },
    {
      id: "smoothing-rests",
      means: "Answering this load fast would make the import worse.",
      done: "Only its slow part is smoothed; a fast answer is tried again after a minute.",
      remedy: "None.",
      reset: "itself",
    },
    {
      id: "battery-does-not-follow",
      means: "The batteries give another power than they are asked for.",
      done: "Control counts with what is measured, and goes on.",
      remedy:
        "Compare setpoint and power of each converter; look for derating and for its own limits.",
      reset: "itself",
    },
    {
      id: "unit-does-not-follow",
      means: "A converter takes setpoints and gives another power than they ask for.",
      done: "It counts at what it gives, the others take the rest; it is tried again each minute.",
      remedy:
        "Look whether the converter is enabled, in which mode it is, whether it derates by itself.",
      reset: "itself",
    },
    {
      id: "loop-delay",
      means:
        "The measured time from a step of the load to the batteries' answer is another one now.",
      done: "Smoothing looks ahead by the new time.",
      remedy: "None; a delay that grew by much is worth a look at network and meter.",
      reset: "never",
    },
    {
      id: "schedule-clipped",
      means: "A schedule or an instruction asked for more than ramp and reserve leave.",
      done: "The part that fits is given.",
      remedy: "Tell whoever made the schedule.",
      reset: "itself",
    },
    {
      id: "announcement-ended",
      means: "A step of the load came as it had been announced.",
      done: "Nothing is left to do.",
      remedy: "None.",
      reset: "never",
    },
    {
      id: "announcement-broken",
      means: "A step of the load did not come as announced, or a promised limit was not kept.",
      done: "The reference goes back at its ramp; the guarantee never relied on the announcement.",
      remedy: "Tell whoever runs the scheduler.",
      reset: "never",
    },
    {
      id: "trip-reset",
      means: "Somebody released a latched trip.",
      done: "The batteries may be driven again.",
      remedy: "None.",
      reset: "never",
    },
    {
      id: "latches-unreadable",
      means: "The saved trips could not be read at the start.",
      done: "Every battery stays stopped, latched, as if each had tripped.",
      remedy: "Look at each battery for the cause of a trip, then reset.",
      reset: "operator",
    },
    {
      id: "latches-not-saved",
      means: "Trips are in force, but the disk does not take them: a restart would not know them.",
      done: "They act; writing is tried again.",
      remedy: "Look at the disk before anything is restarted: full, read-only, or broken.",
      reset: "itself",
    },
    {
      id: "goose-safe-state",
      means: "A device on the station's network demanded the safe state of batteries, by GOOSE.",
      done: "The units that the site names got zero and STOP in the same cycle, latched.",
      remedy:
        "Find out what it saw: its own display, and the line `goose-demand` in the log of " +
        "gateway-control. Reset when it demands nothing any more.",
      reset: "operator",
    },
    {
      id: "goose-lost",
      means: "States that come by GOOSE do not come any more. The text names whose, and why.",
      done:
        "They count as bad. Where the site says `onLoss: safe-state` its units were stopped, " +
        "latched; else they run on.",
      remedy:
        "Look at the publisher, the switch between, and the service gateway-goose. Until it is " +
        "back the plant is without this protection.",
      reset: "itself",
    },
    {
      id: "goose-loss-stop",
      means: "Units were stopped because states that come by GOOSE were lost.",
      done: "They got zero and STOP in the same cycle, latched, as the site wants it.",
      remedy: "As for `goose-lost`. Reset when the publisher is heard again.",
      reset: "operator",
    },
  ],
};
