/** What an act does when it begins: orders to the plant, or the broker that goes and comes back. */
export type StoryOrder =
  | "broker-off"
  | "broker-on"
  | { readonly load: string }
  | { readonly device: string; readonly fault: string };

export interface Act {
  readonly fromS: number;
  readonly name: string;
  readonly title: string;
  readonly does: readonly StoryOrder[];
}

const TRAINING: StoryOrder = { load: "training-1hz" };

/** The story of the demonstration; it begins anew when it is over. */
export const STORY: readonly Act[] = [
  { fromS: 0, name: "mean", title: "act 1/7  mean load", does: [{ load: "mean" }] },
  { fromS: 15, name: "training", title: "act 2/7  1 Hz training, 10–20 MW", does: [TRAINING] },
  { fromS: 45, name: "checkpoint", title: "act 3/7  a checkpoint", does: [{ load: "checkpoint" }] },
  { fromS: 50, name: "training-again", title: "act 3/7  training goes on", does: [TRAINING] },
  {
    fromS: 60,
    name: "ups",
    title: "act 4/7  ups-3 falls off the network",
    does: [{ device: "ups-3", fault: "stopped" }],
  },
  {
    fromS: 80,
    name: "ups-back",
    title: "act 4/7  ups-3 is back",
    does: [{ device: "ups-3", fault: "none" }],
  },
  {
    fromS: 90,
    name: "frozen",
    title: "act 5/7  the grid meter freezes",
    does: [{ device: "pcc-meter", fault: "frozen" }],
  },
  {
    fromS: 95,
    name: "thawed",
    title: "act 5/7  the grid meter moves again",
    does: [{ device: "pcc-meter", fault: "none" }],
  },
  { fromS: 110, name: "stop", title: "act 6/7  the job stops", does: [{ load: "idle" }] },
  { fromS: 140, name: "broker-off", title: "act 7/7  the broker is gone", does: ["broker-off"] },
  { fromS: 155, name: "broker-on", title: "act 7/7  the broker is back", does: ["broker-on"] },
];

export const STORY_LENGTH_S = 170;

/** The act that is on at a second of the demonstration. */
export function actAt(second: number): Act | undefined {
  const at = second % STORY_LENGTH_S;
  const round = Math.floor(second / STORY_LENGTH_S);
  const act = STORY.findLast(({ fromS }) => fromS <= at);
  return act === undefined ? undefined : { ...act, name: `${act.name} ${round}` };
}
