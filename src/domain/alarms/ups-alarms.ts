import type { AlarmChapter } from "./entry.ts";

const TOLD = "It is told. The gateway never switches a supply that carries load.";

export const UPS_ALARMS: AlarmChapter = {
  title: "Uninterruptible supplies",
  entries: [
    {
      id: "on-battery",
      means: "A supply runs on its battery.",
      done: TOLD,
      remedy: "Is the grid there? Watch the runtime that is shown; begin an orderly stop in time.",
      reset: "itself",
    },
    {
      id: "ups-on-bypass",
      means: "A supply runs on bypass: its load has no protection.",
      done: TOLD,
      remedy: "Find out whether it is maintenance; else call the maker's service.",
      reset: "itself",
    },
    {
      id: "ups-battery-low",
      means: "The battery of a supply is almost empty.",
      done: TOLD,
      remedy: "Stop its load now, in order.",
      reset: "itself",
    },
    {
      id: "ups-over-temperature",
      means: "A supply is too hot.",
      done: TOLD,
      remedy: "Look at its fans and at the room; reduce its load.",
      reset: "itself",
    },
    {
      id: "bypass-voltage",
      means: "The voltage of the bypass is outside its window: a supply could not fall back on it.",
      done: TOLD,
      remedy: "Look at the feeder of the bypass.",
      reset: "itself",
    },
    {
      id: "bypass-frequency",
      means: "The frequency of the bypass is outside its window.",
      done: TOLD,
      remedy: "Look at the feeder of the bypass, or at the generator that feeds it.",
      reset: "itself",
    },
    {
      id: "battery-maintenance",
      means: "A supply wants its battery looked after.",
      done: TOLD,
      remedy: "Order maintenance.",
      reset: "device",
    },
    {
      id: "battery-disconnected",
      means: "A supply has no battery: the next loss of the grid is a loss of its load.",
      done: TOLD,
      remedy: "Look at the battery's breaker at once.",
      reset: "itself",
    },
    {
      id: "ups-overload",
      means: "A supply carries more than 105 %.",
      done: TOLD,
      remedy: "Move load away from it.",
      reset: "itself",
    },
    {
      id: "ups-overload-heavy",
      means: "A supply carries more than 110 %: it will stop within minutes.",
      done: TOLD,
      remedy: "Take load off it now.",
      reset: "itself",
    },
    {
      id: "charger-fault",
      means: "The charger of a supply gives nothing.",
      done: TOLD,
      remedy: "Call the maker's service before the battery is empty.",
      reset: "device",
    },
    {
      id: "overload-shutdown",
      means: "A supply has stopped because of overload.",
      done: TOLD,
      remedy: "Take load off, then start it at its panel.",
      reset: "device",
    },
    {
      id: "bypass-overload-shutdown",
      means: "The bypass of a supply has stopped because of overload.",
      done: TOLD,
      remedy: "Take load off, then start it at its panel.",
      reset: "device",
    },
  ],
};
