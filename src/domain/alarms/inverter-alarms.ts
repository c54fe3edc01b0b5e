import type { AlarmChapter } from "./entry.ts";

const TOLD =
  "It is told. What the device reports as lost or limited is taken from what control counts on.";
const LATCHED =
  "Where the site lists it under `trips`: the battery got " +
  "zero and STOP in the same cycle, latched.";

export const INVERTER_ALARMS: AlarmChapter = {
  title: "Battery converters, as they tell themselves",
  entries: [
    {
      id: "emergency-stop",
      means: "An emergency stop of a battery was pressed, or it was shut down by hand.",
      done: LATCHED,
      remedy: "Find out who pressed it and why. Release it there, then reset.",
      reset: "operator",
    },
    {
      id: "insulation-fault",
      means: "An inverter reports a ground fault.",
      done: LATCHED,
      remedy: "Keep away from it. Have the insulation measured by a qualified person, then reset.",
      reset: "operator",
    },
    {
      id: "dc-over-voltage",
      means: "The direct voltage of an inverter is too high.",
      done: TOLD,
      remedy: "Look at the strings and at the maker's log before it is started again.",
      reset: "device",
    },
    {
      id: "pcs-over-temperature",
      means: "An inverter is too hot.",
      done: TOLD,
      remedy: "Look at its fans, filters and coolant.",
      reset: "device",
    },
    {
      id: "pcs-under-temperature",
      means: "An inverter is too cold.",
      done: TOLD,
      remedy: "Look at its heating.",
      reset: "itself",
    },
    {
      id: "ac-disconnected",
      means: "The grid side of an inverter is disconnected.",
      done: TOLD,
      remedy: "Look at its breaker.",
      reset: "itself",
    },
    {
      id: "dc-disconnected",
      means: "The battery side of an inverter is disconnected.",
      done: TOLD,
      remedy: "Look at its breaker.",
      reset: "itself",
    },
    {
      id: "grid-disconnected",
      means: "An inverter is disconnected from the grid.",
      done: TOLD,
      remedy: "Look at its protection relay.",
      reset: "itself",
    },
    {
      id: "cabinet-open",
      means: "The cabinet of an inverter is open.",
      done: LATCHED,
      remedy: "Somebody works there: let nobody start it.",
      reset: "operator",
    },
    {
      id: "over-frequency",
      means: "The grid's frequency is above the limit of an inverter.",
      done: TOLD,
      remedy: "None; the inverter protects itself.",
      reset: "itself",
    },
    {
      id: "under-frequency",
      means: "The grid's frequency is below the limit of an inverter.",
      done: TOLD,
      remedy: "None; the inverter protects itself.",
      reset: "itself",
    },
    {
      id: "ac-over-voltage",
      means: "The grid's voltage is above the limit of an inverter.",
      done: TOLD,
      remedy: "Look at the transformer's tap if it stays.",
      reset: "itself",
    },
    {
      id: "ac-under-voltage",
      means: "The grid's voltage is below the limit of an inverter.",
      done: TOLD,
      remedy: "Look at the feeder if it stays.",
      reset: "itself",
    },
    {
      id: "string-fuse-blown",
      means: "A fuse of a battery string has blown.",
      done: TOLD,
      remedy: "Have it replaced, and the cause found.",
      reset: "device",
    },
    {
      id: "settings-lost",
      means: "An inverter has lost stored settings: its limits may be the maker's.",
      done: TOLD,
      remedy: "Commission it anew before it is used.",
      reset: "device",
    },
    {
      id: "self-test-failed",
      means: "The self-test of an inverter failed.",
      done: TOLD,
      remedy: "Call the maker's service.",
      reset: "device",
    },
    {
      id: "manufacturer-alarm",
      means: "An inverter raises an alarm that only its maker can name.",
      done: TOLD,
      remedy: "Read its own log.",
      reset: "device",
    },
  ],
};
