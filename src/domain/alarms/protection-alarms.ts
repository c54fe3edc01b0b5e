import type { AlarmChapter } from "./entry.ts";

const STOPPED =
  "The batteries that the site names got zero and STOP in the same cycle, latched; " +
  "nothing else is written to them.";
const RESET =
  "When the cause is gone and looked at, a person whom the site allows to resets it at the box.";

export const PROTECTION_ALARMS: AlarmChapter = {
  title: "Protection of the batteries",
  entries: [
    {
      id: "charge-blocked",
      means: "A battery must not be charged: a cell is at its upper limit, or too cold.",
      done: "It is not charged; discharge goes on. The others take what they can.",
      remedy: "None at once; if it comes often, have the cells balanced and the limits looked at.",
      reset: "itself",
    },
    {
      id: "discharge-blocked",
      means: "A battery must not be discharged: a cell is at its lower limit.",
      done: "It is not discharged; charging goes on.",
      remedy: "Let it charge; if it comes often, have the cells balanced.",
      reset: "itself",
    },
    {
      id: "unit-derated",
      means: "A battery is so warm or so cold that it gives less than it could.",
      done: "Its limits follow the temperature in a line; the others take over what they can.",
      remedy: "Look at its cooling or heating.",
      reset: "itself",
    },
    {
      id: "battery-silent",
      means: "The battery behind a converter does not count any more; the converter does.",
      done: "The unit is held at zero until it counts again.",
      remedy: "Look at the battery management and its line to the converter.",
      reset: "itself",
    },
    {
      id: "fault-repeated",
      means: "A converter came back from a fault by itself too often within an hour.",
      done: "It was stopped, and does not come back by itself any more.",
      remedy: "Read its fault log and mend the cause; then reset at the box.",
      reset: "operator",
    },
    {
      id: "sensor-deviates",
      means: "One of several sensors of the same thing says something else than the others.",
      done: "It counts no more, or is outvoted; the others decide.",
      remedy: "Have it compared and mended: what it measures now hangs on fewer sensors.",
      reset: "itself",
    },
    {
      id: "sensor-lost",
      means: "A sensor of a protection shows nothing.",
      done: "It counts as a vote for the stop, after the time that the site gives it.",
      remedy: "Look at its line and its device at once.",
      reset: "itself",
    },
    {
      id: "hvil-open",
      means: "The interlock loop of the batteries is open.",
      done: STOPPED,
      remedy: `Keep away from the connectors until a qualified person has looked. ${RESET}`,
      reset: "operator",
    },
    {
      id: "door-open",
      means: "A door of the batteries is open, or its contact cannot be read.",
      done: STOPPED,
      remedy: `Find out who is there; let nobody start anything. ${RESET}`,
      reset: "operator",
    },
    {
      id: "fire-alarm",
      means: "The fire panel reports fire at the batteries, or cannot be read.",
      done: STOPPED,
      remedy: `Leave, and call the fire brigade. ${RESET}`,
      reset: "operator",
    },
    {
      id: "smoke-alarm",
      means: "There is smoke at the batteries, or its sensor cannot be read.",
      done: STOPPED,
      remedy: `Leave, and call the fire brigade. ${RESET}`,
      reset: "operator",
    },
    {
      id: "gas-alarm",
      means: "There is gas at the batteries, or its sensor cannot be read.",
      done: STOPPED,
      remedy: `Leave; switch nothing on or off there. Call the fire brigade. ${RESET}`,
      reset: "operator",
    },
    {
      id: "gas-warning",
      means: "There is a little gas at the batteries, or its sensor cannot be read.",
      done:
        "Charging ended at once, discharge went to zero within the site's time, at most 5 s; " +
        "then they were stopped, latched. The gateway does not switch any fan.",
      remedy: `Ventilate, and keep away until it is measured. ${RESET}`,
      reset: "operator",
    },
    {
      id: "protection-relay",
      means: "A relay of the plant demands that the batteries stop, or cannot be read.",
      done: STOPPED,
      remedy: `Read the relay. ${RESET}`,
      reset: "operator",
    },
  ],
};
