import type { AlarmChapter } from "./entry.ts";

export const RECORDER_ALARMS: AlarmChapter = {
  title: "The flight recorder and the daily report",
  entries: [
    {
      id: "recorder-gap",
      means: "Cycles are missing from the flight recording: nobody can play them back.",
      done: "They were counted; control was never late for it. It is begun anew again and again.",
      remedy: "Free disk space, or give the recorder a faster disk. The text says which.",
      reset: "itself",
    },
    {
      id: "daily-report",
      means: "A day is over: its figures in one line, once after midnight UTC.",
      done: "Swing by band, breaches, battery cycles and delays were added up and kept.",
      remedy: "None. An undeclared breach deserves a look into the recording of that time.",
      reset: "never",
    },
  ],
};
