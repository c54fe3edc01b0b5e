import type { AlarmChapter } from "./entry.ts";

export const GRID_ALARMS: AlarmChapter = {
  title: "Grid connection and its meter",
  entries: [
    {
      id: "meter-lost",
      means: "No power of the grid connection can be believed: neither meter nor feeders answer.",
      done: "The batteries were held, and after `control.grid.blindMs` they ramp to zero.",
      remedy:
        "Look at the meter's supply and its network cable; `dcpi-gateway " +
        "status` tells which link is down since when.",
      reset: "itself",
    },
    {
      id: "meter-frozen",
      means: "The grid meter answers, but its value stands still while the feeders move.",
      done: "Control uses the sum of the feeders less the batteries.",
      remedy: "Restart the meter or its gateway; compare its display with the feeders.",
      reset: "itself",
    },
    {
      id: "meter-mismatch",
      means: "Grid meter and feeders contradict each other by more than the site allows.",
      done: "Control uses the sum of the feeders less the batteries.",
      remedy:
        "Compare the displays: a wrong transformer ratio, a swapped phase or a " +
        "feeder that nobody listed are the usual causes.",
      reset: "itself",
    },
    {
      id: "feeder-mismatch",
      means: "A feeder contradicts the grid meter, and it is the feeder that does not move.",
      done: "Control keeps to the grid meter.",
      remedy: "Look at the feeder's meter.",
      reset: "itself",
    },
    {
      id: "grid-loss",
      means: "The voltage of the grid connection is gone.",
      done: "It is told. The uninterruptible supplies act by themselves.",
      remedy: "Call the grid operator; watch the runtime of the uninterruptible supplies.",
      reset: "itself",
    },
    {
      id: "ride-through",
      means:
        "The grid is lost, by a point of the site that says so or by the voltage of its meter.",
      done:
        "Schedules, smoothing and frequency duty ask nothing any more. The batteries are held at " +
        "0 W or, where the site has commissioned them for it, carry the site by themselves down " +
        "to the end of their reserve. Control goes on `control.rideThrough.returnMs` after the " +
        "return, from what the grid then gives.",
      remedy: "Call the grid operator; watch the charge of the batteries and supplies.",
      reset: "itself",
    },
    {
      id: "import-limit-exceeded",
      means: "The import is above the limit of the contract, and the batteries cannot cover it.",
      done: "The batteries give what they can above their reserve.",
      remedy: "Reduce load: ask the scheduler for a lower power cap.",
      reset: "itself",
    },
    {
      id: "ramp-breach",
      means:
        "The import changed faster than agreed, by the power that the text names: a step was " +
        "larger than the batteries, or a battery was lost while it gave power.",
      done:
        "The breach was declared with its size and its cause, " +
        "and the reference went on from there.",
      remedy:
        "Keep the text for the grid operator. If it comes again, look at the batteries' limits.",
      reset: "itself",
    },
    {
      id: "ramp-not-guaranteed",
      means: "The stored energy is too little for every step that the load could make.",
      done:
        "The ramp is kept as long as the energy lasts; the " +
        "reference moves to where more is left.",
      remedy:
        "Nothing at once. If it stays, `dcpi-gateway config check` tells what " +
        "this battery can guarantee: raise the ramp limit, narrow the load, or add energy.",
      reset: "itself",
    },
    {
      id: "cap-unachievable",
      means: "The cap on the import cannot be kept for long: the text names the minutes left.",
      done: "It is told ahead; at the reserve the import rises at its ramp.",
      remedy: "Reduce load before the minutes are over.",
      reset: "itself",
    },
    {
      id: "grid-resonance",
      means:
        "The import swings at one frequency between 0.1 and 6 Hz by more than the site allows.",
      done: "It is told with frequency and size. Smoothing has done what it can.",
      remedy: "Ask for iterations that are spread or shifted, or for a power cap of the job.",
      reset: "itself",
    },
    {
      id: "voltage-event",
      means: "The grid's voltage is far off: reactive power goes before active power now.",
      done: "The converters give reactive power first, and active power with what is left.",
      remedy: "Tell the grid operator if it stays; expect less smoothing meanwhile.",
      reset: "itself",
    },
    {
      id: "frequency-answer",
      means:
        "The grid's frequency is off, and the batteries give the power that was promised for it.",
      done: "The power is given without the ramp limit, as promised, and logged.",
      remedy: "None.",
      reset: "itself",
    },
    {
      id: "frequency-unknown",
      means: "The frequency cannot be believed: missing, no number, or impossible.",
      done: "The last answer was held, then let go.",
      remedy: "Look at the grid meter; the promised answer is not given meanwhile.",
      reset: "itself",
    },
  ],
};
