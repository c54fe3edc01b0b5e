import type { AlarmChapter } from "./entry.ts";

/** Alarms about alarms: what the gateway makes of many, and what a person does with them. */
export const ANNUNCIATION_ALARMS: AlarmChapter = {
  title: "Alarms about alarms",
  entries: [
    {
      id: "links-lost",
      means: "Several devices stopped answering within seconds. The text names the first.",
      done: "They are one alarm with their number; each stands in the list behind `--all`.",
      remedy:
        "Look for what they share: a switch, a converter, a supply. Look at the first one first.",
      reset: "itself",
    },
    {
      id: "alarm-flood",
      means: "More alarms come than a person can read: over ten in ten minutes.",
      done:
        "Further warnings, and repeated critical ones of one kind, are counted here and stand in " +
        "the list. Trips still call at once.",
      remedy: "Read the list from its top; look for the first-out mark and for a shared cause.",
      reset: "itself",
    },
    {
      id: "alarm-acknowledged",
      means: "A person took note of alarms. The text names who and which.",
      done: "It is recorded. Nothing was reset; what is active stays in the list.",
      remedy: "None.",
      reset: "never",
    },
    {
      id: "alarm-shelved",
      means: "A person put an alarm aside for a while. The text names who, why and until when.",
      done: "It calls nobody until then. It comes back by itself.",
      remedy: "None.",
      reset: "never",
    },
    {
      id: "alarm-unshelved",
      means: "An alarm that was put aside calls again: its time is over, or a person took it back.",
      done: "Where its cause is still there it was called anew.",
      remedy: "None.",
      reset: "never",
    },
    {
      id: "alarms-not-saved",
      means: "The disk does not take acknowledgements and shelved alarms.",
      done: "They are in force; writing is tried again. A restart would not know them.",
      remedy: "Look at the disk: full, read-only, or broken.",
      reset: "itself",
    },
    {
      id: "alarms-unreadable",
      means: "The saved acknowledgements and shelved alarms could not be read at the start.",
      done: "Nothing counts as acknowledged and nothing as shelved: every alarm calls anew.",
      remedy: "Acknowledge what is known; look at the disk's health.",
      reset: "never",
    },
  ],
};
