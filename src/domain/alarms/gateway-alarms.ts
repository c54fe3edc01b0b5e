import type { AlarmChapter } from "./entry.ts";

export const GATEWAY_ALARMS: AlarmChapter = {
  title: "The gateway and its links",
  entries: [
    {
      id: "no-communication",
      means: "A device does not answer.",
      done: "Its values are bad, with the time of the last good one; it is asked again and again.",
      remedy:
        "Look at supply, cable, address and unit number. Several at once on " +
        "one line: look at the line's converter first.",
      reset: "itself",
    },
    {
      id: "values-frozen",
      means: "A device answers, but what should move stands still.",
      done: "Its values are uncertain; control does not use them.",
      remedy: "Restart the device or the converter in front of it.",
      reset: "itself",
    },
    {
      id: "upstream-lost",
      means: "No broker takes what goes north. The text names since when.",
      done: "Everything is kept in the store and goes out later; control goes on alone.",
      remedy: "Look at the way to the broker, at the broker itself, and at the certificates.",
      reset: "itself",
    },
    {
      id: "producer-not-heard",
      means: "The service that goes north does not hear one of the gateway's other processes.",
      done: "It is told north as degraded. That process keeps its values for a while.",
      remedy: "Look at that process: whether it runs, and what its log says.",
      reset: "itself",
    },
    {
      id: "services-gone",
      means: "The service that goes north does not answer.",
      done:
        "Control goes on alone, and values are kept for a while. What it had told stands as last " +
        "known until it answers again.",
      remedy: "Look at gateway-services: whether it runs, what its log says, and at its disk.",
      reset: "itself",
    },
    {
      id: "store-level",
      means: "The store of undelivered messages fills up.",
      done: "From its limits on, what matters least is given up first, and counted.",
      remedy: "Look at the broker and the way to it; free disk space.",
      reset: "itself",
    },
    {
      id: "rounds-lost",
      means: "Values could not be kept. The text names the stream and the numbers.",
      done: "The loss is told north with exact numbers, so that nobody takes silence for calm.",
      remedy: "Look at the disk and at the broker.",
      reset: "never",
    },
    {
      id: "store-corrupt",
      means: "The database was unusable at the start.",
      done: "It was put aside under the name that the text gives, and a new one was made.",
      remedy: "Keep that file for us; look at the disk's health.",
      reset: "never",
    },
    {
      id: "producer-restarted",
      means: "One of the gateway's processes was started again.",
      done: "What is stored stays; what came between is named in the text.",
      remedy: "Look at its log for why, if nobody restarted it on purpose.",
      reset: "never",
    },
    {
      id: "desk-restarted",
      means: "The thread that learns the load beside the cycle had to be started anew.",
      done: "It was; smoothing went on with what it knew. Control was never late for it.",
      remedy: "None, if it was once. Again and again: the machine has too little time for it.",
      reset: "never",
    },
  ],
};
