import type { AlarmChapter } from "./entry.ts";

const OBSERVED = "Where the gateway only observes, it told what it would do.";

export const THERMAL_ALARMS: AlarmChapter = {
  title: "Coolant and heat in control",
  entries: [
    {
      id: "shed-requested",
      means: "Load has to leave the racks of a coolant unit before they are damaged.",
      done:
        "The workloads are asked to throttle, then ordered to pause, on MQTT. The request stands " +
        "until its cause is gone and the coolant would take the load again.",
      remedy: "Move or stop the load of these racks now; then look for the cause that it names.",
      reset: "itself",
    },
    {
      id: "shed-unconfirmed",
      means: "Load had to leave the racks of a coolant unit, and not all of it is known to go.",
      done:
        "Who did not answer is asked every half minute, and others in their place. Nothing more " +
        "happens by itself than what the unit's own controllers do in their mode.",
      remedy: "Stop the load of these racks by hand; its text says whose, and who was asked.",
      reset: "itself",
    },
    {
      id: "shed-advised",
      means: "As `shed-requested`, of a unit that the gateway only observes: nobody was asked.",
      done: "Nothing but this.",
      remedy: "Move or stop the load of these racks by hand.",
      reset: "itself",
    },
    {
      id: "leak-suspected",
      means: "One sign of a leak: a wet rope, or a loss of pressure or level.",
      done: "It is watched; a second sign confirms it.",
      remedy: "Go there and look.",
      reset: "itself",
    },
    {
      id: "leak-confirmed",
      means: "Two signs say that coolant leaks.",
      done:
        "Load was asked to go first; then, in control, the zone's valve was shut and its pumps " +
        `were stopped. ${OBSERVED}`,
      remedy: "See that the load is gone. Repair, dry the ropes, then reset.",
      reset: "operator",
    },
    {
      id: "leak-sensor-lost",
      means: "A leak sensor tells nothing, or reports a fault of its own.",
      done: "Beside a wet rope it counts as a second sign after half a minute.",
      remedy: "Look at its cable; until then look at the floor.",
      reset: "itself",
    },
    {
      id: "coolant-flow-low",
      means: "A unit moves less coolant than its racks need, or one of its pumps moves nothing.",
      done: `In control the others run faster, and the one that stands by starts. ${OBSERVED}`,
      remedy: "Look at the pump, its drive and the filter.",
      reset: "itself",
    },
    {
      id: "coolant-flow-lost",
      means: "Far less coolant flows than the racks need, and standby did not help.",
      done: "Load was asked to go.",
      remedy: "Stop the load of these racks; find out why nothing flows, then reset.",
      reset: "operator",
    },
    {
      id: "coolant-heating",
      means: "At its present slope the coolant passes its limit within a minute.",
      done: "The pumps run at their most, in control, and load was asked to go.",
      remedy: "Reduce load; look at flow, valve and facility water.",
      reset: "itself",
    },
    {
      id: "coolant-hot",
      means: "The coolant has passed the limit above which it does damage.",
      done: "Load was asked to go; that holds until somebody resets it.",
      remedy: "Stop the load; look for damage before it comes back; then reset.",
      reset: "operator",
    },
    {
      id: "cooling-unknown",
      means: "Neither flow nor temperatures of a unit are known: nobody sees whether it cools.",
      done: "In control its pumps go to full speed; after a minute load is asked to go.",
      remedy: "Look at the unit itself, then at its network.",
      reset: "itself",
    },
    {
      id: "dew-point",
      means: "The coolant is too near to the dew point of the room, or was asked to be.",
      done: `In control the setpoint is held above it. ${OBSERVED}`,
      remedy: "Look for moist air: doors, humidifiers; do not lower the setpoint.",
      reset: "itself",
    },
    {
      id: "dew-point-unknown",
      means: "No room sensor tells a dew point.",
      done: "The last one counts for ten minutes, then a moist room is assumed.",
      remedy: "Look at the room sensors.",
      reset: "itself",
    },
    {
      id: "coolant-sensor-lost",
      means: "One of several sensors of a coolant unit's temperature or flow shows nothing.",
      done: "The others decide: of two that are left the worse one counts for each use.",
      remedy: "Look at the sensor, its line and its device.",
      reset: "itself",
    },
    {
      id: "coolant-sensors-few",
      means: "Of several sensors of a coolant unit's temperature or flow one counts, or none.",
      done: "The one that is left counts unchecked; without any the reading is lost.",
      remedy: "Look at once at those that are lost or outvoted: the next fault is not seen.",
      reset: "itself",
    },
    {
      id: "coolant-sensors-apart",
      means: "Two sensors of a coolant unit are left, and they say different things.",
      done:
        "Nobody knows which one is wrong: the hotter one counts for heat, the colder supply for " +
        "the dew point, the smaller flow for cooling.",
      remedy: "Compare both with a third one by hand, and have the wrong one mended.",
      reset: "itself",
    },
    {
      id: "pressure-derate",
      means: "A two-phase loop may take only a part of its load.",
      done: "The part is told; nothing else.",
      remedy: "Reduce the load of its racks; look at its condenser.",
      reset: "itself",
    },
    {
      id: "two-phase-trip",
      means: "The pressure of a two-phase loop passed its trip, or was lost too long.",
      done: "All its load was asked to go.",
      remedy: "Stop the load; look at condenser and charge; reset when the pressure is low.",
      reset: "operator",
    },
    {
      id: "phase-change-inadequate",
      means: "Coolant of a two-phase loop does not boil, dries out, is superheated or swings.",
      done: "Its load is derated; after half a minute load is asked to go.",
      remedy: "Look at charge, flow and condenser; read which pattern it was.",
      reset: "itself",
    },
    {
      id: "heat-isolated",
      means: "Heat delivery is shut: contamination, a wrong pressure order, heat, or blindness.",
      done: "In control valve and pump were shut; the own coolers take the heat.",
      remedy: "Take a sample of the city's water side; repair, then reset.",
      reset: "operator",
    },
    {
      id: "heat-short",
      means: "The city asks for more heat than there is.",
      done: "What there is was given.",
      remedy: "Tell the network's operator.",
      reset: "itself",
    },
    {
      id: "cooling-write-refused",
      means: "A coolant device does not take a setpoint, or shows another one.",
      done: "It is asked again after a while; a safe state every second.",
      remedy: "Look whether it stands on local, or who else writes to it.",
      reset: "itself",
    },
    {
      id: "coolant-guard",
      means: "A command was refused because the coolant would leave its limits.",
      done: "Nothing was written.",
      remedy: "Read the numbers in its text; ask again when they allow it.",
      reset: "never",
    },
    {
      id: "cooling-latches-unreadable",
      means: "The saved latches of the cooling could not be read at the start.",
      done: "Nothing is written to cooling devices; load is still asked to go where needed.",
      remedy: "Look for leaks and stopped pumps, then reset.",
      reset: "operator",
    },
  ],
};
