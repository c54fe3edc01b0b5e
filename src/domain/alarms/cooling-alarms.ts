import type { AlarmChapter } from "./entry.ts";

const TOLD = "It is told. The device's own protection acts by itself.";

export const COOLING_ALARMS: AlarmChapter = {
  title: "Cooling",
  entries: [
    {
      id: "leak",
      means: "The leak rope of a coolant distribution unit is wet.",
      done: TOLD,
      remedy: "Go there. Move the load off its racks before its pumps are stopped.",
      reset: "itself",
    },
    {
      id: "row-leak",
      means: "The leak rope of a rack row is wet.",
      done: TOLD,
      remedy: "Go there; close the row's valve after its load is gone.",
      reset: "itself",
    },
    {
      id: "level-low",
      means: "The coolant reservoir of a unit is low.",
      done: TOLD,
      remedy: "Look for a leak, then refill with the right mixture.",
      reset: "itself",
    },
    {
      id: "cdu-pump-no-flow",
      means: "One pump of a unit moves nothing while the others do.",
      done: TOLD,
      remedy: "Look at the pump's drive and valve; the others carry the load meanwhile.",
      reset: "itself",
    },
    {
      id: "cdu-low-flow",
      means: "No pump of a unit moves coolant.",
      done: TOLD,
      remedy: "Move the load off its racks at once: they are too hot within half a minute.",
      reset: "itself",
    },
    {
      id: "supply-hot",
      means: "Coolant goes to the racks too hot.",
      done: TOLD,
      remedy: "Look at the facility water and at the unit's valve; reduce load if it rises.",
      reset: "itself",
    },
    {
      id: "return-hot",
      means: "Coolant comes back from the racks too hot.",
      done: TOLD,
      remedy: "Look at the flow; reduce load if it rises.",
      reset: "itself",
    },
    {
      id: "chw-hot",
      means: "Chilled water is too warm.",
      done: TOLD,
      remedy: "Look which chillers run; start another one.",
      reset: "itself",
    },
    {
      id: "chiller-fault",
      means: "A chiller reports an alarm of its own.",
      done: TOLD,
      remedy: "Read its display; others take over if they are released.",
      reset: "device",
    },
  ],
};
