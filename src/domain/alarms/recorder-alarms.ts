import type { AlarmChapter } from "./entry.ts";

export const RECORDER_ALARMS: AlarmChapter = {
  title: "The flight recorder",
  entries: [
    {
      id: "recorder-gap",
      means: "Cycles are missing from the flight recording: nobody can play them back.",
      done: "They were counted; control was never late for it. It is begun anew again and again.",
      remedy: "Free disk space, or give the recorder a faster disk. The text says which.",
      reset: "itself",
    },
  ],
};
