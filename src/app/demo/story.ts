import type { PlantOrder } from "../../simulator/orders.ts";
import type { SiteOrder } from "../../simulator/scenes.ts";

/** What an act does when it begins: orders to the plant, or what the plant cannot do itself. */
export type StoryOrder = PlantOrder | SiteOrder;

export interface Act {
  readonly fromS: number;
  readonly name: string;
  /** For the heading. */
  readonly title: string;
  /** For the line of the event: what begins, and what to look at. */
  readonly line: string;
  readonly does: readonly StoryOrder[];
}

const TRAINING: StoryOrder = { load: "training-1hz" };

/** The story of the demonstration; it begins anew when it is over. */
export const STORY: readonly Act[] = [
  {
    fromS: 0,
    name: "mean",
    title: "act 1/7  mean load",
    line: "act 1: mean load; the battery has little to do",
    does: [{ load: "mean" }],
  },
  {
    fromS: 15,
    name: "training",
    title: "act 2/7  1 Hz training, 10–20 MW",
    line: "act 2: 1 Hz training, 10–20 MW; the battery takes the swing, the grid its mean",
    does: [TRAINING],
  },
  {
    fromS: 45,
    name: "checkpoint",
    title: "act 3/7  a checkpoint",
    line: "act 3: a checkpoint of 4 s, not announced",
    does: [{ load: "checkpoint" }],
  },
  {
    fromS: 50,
    name: "training-again",
    title: "act 3/7  training goes on",
    line: "act 3: the checkpoint is written, training goes on",
    does: [TRAINING],
  },
  {
    fromS: 60,
    name: "pump",
    title: "act 4/7  cdu-3 loses a pump",
    line: "act 4: cdu-3 loses pump 2; the story repairs it in 20 s",
    does: [{ failPump: "cdu-3", pump: 2 }],
  },
  {
    fromS: 80,
    name: "pump-back",
    title: "act 4/7  the pump runs again",
    line: "act 4: pump 2 of cdu-3 is repaired",
    does: [{ repairPump: "cdu-3", pump: 2 }],
  },
  {
    fromS: 90,
    name: "frozen",
    title: "act 5/7  the grid meter freezes",
    line: "act 5: the grid meter freezes for 5 s; control goes by the feeders",
    does: [{ device: "pcc-meter", fault: "frozen" }],
  },
  {
    fromS: 95,
    name: "thawed",
    title: "act 5/7  the meter moves again",
    line: "act 5: the grid meter moves again",
    does: [{ device: "pcc-meter", fault: "none" }],
  },
  {
    fromS: 110,
    name: "stop",
    title: "act 6/7  the job stops",
    line: "act 6: the job stops, 20 to 4 MW; the battery takes it, the import falls at its ramp",
    does: [{ load: "idle" }],
  },
  {
    fromS: 140,
    name: "broker-off",
    title: "act 7/7  the broker is gone",
    line: "act 7: the broker is gone for 15 s; rounds wait in the store",
    does: ["broker-off"],
  },
  {
    fromS: 155,
    name: "broker-on",
    title: "act 7/7  the broker is back",
    line: "act 7: the broker is back; what waited is sent, in order",
    does: ["broker-on"],
  },
];

export const STORY_LENGTH_S = 170;
/** All is calm but a pump, and the battery works: the moment of the README's picture. */
export const SNAPSHOT_S = 67;

/** The act that is on at a second of the demonstration. */
export function actAt(second: number): Act | undefined {
  const at = second % STORY_LENGTH_S;
  const round = Math.floor(second / STORY_LENGTH_S);
  const act = STORY.findLast(({ fromS }) => fromS <= at);
  return act === undefined ? undefined : { ...act, name: `${act.name} ${round}` };
}

/** Puts the plant right again, whatever was done to it. Faults of devices come first. */
export function repairOrders(devices: readonly string[]): readonly PlantOrder[] {
  // By their numbers: `bess-station` is no battery, though it speaks of them.
  const named = (name: string): string[] =>
    devices.filter((id) => id.startsWith(`${name}-`) && /^\d+$/.test(id.slice(name.length + 1)));
  return [
    ...devices.map((device) => ({ device, fault: "none" })),
    ...named("bess").map((clearCause) => ({ clearCause })),
    ...named("ups").map((repairUps) => ({ repairUps })),
    ...named("cdu").flatMap((id): PlantOrder[] => [
      { repairPump: id },
      { leak: id, litresPerMin: 0 },
    ]),
    ...named("chiller").map((repairChiller) => ({ repairChiller })),
    { grid: "back" },
    { frequencyHz: 50, hzPerS: 1 },
  ];
}
