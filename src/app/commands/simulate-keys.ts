import { SCENES_MAX, type PlantOrder } from "../../simulator/orders.ts";

interface KeyDevice {
  readonly id: string;
  readonly deviceClass: string;
}

/** A key that breaks something, and with the next press repairs it. */
interface Toggle {
  readonly key: string;
  readonly what: string;
  /** The first device of this class has it; undefined: the whole site. */
  readonly deviceClass?: string;
  readonly on: (id: string) => PlantOrder;
  readonly off: (id: string) => PlantOrder;
}

const TOGGLES: readonly Toggle[] = [
  { key: "g", what: "grid lost", on: () => ({ grid: "lost" }), off: () => ({ grid: "back" }) },
  {
    key: "p",
    what: "pump 2 of a CDU fails",
    deviceClass: "cdu",
    on: (id) => ({ failPump: id, pump: 2 }),
    off: (id) => ({ repairPump: id }),
  },
  {
    key: "k",
    what: "a CDU leaks 6 L/min",
    deviceClass: "cdu",
    on: (id) => ({ leak: id, litresPerMin: 6 }),
    off: (id) => ({ leak: id, litresPerMin: 0 }),
  },
  {
    key: "u",
    what: "a UPS is lost",
    deviceClass: "ups",
    on: (id) => ({ failUps: id, to: "lost" }),
    off: (id) => ({ repairUps: id }),
  },
  {
    key: "b",
    what: "a battery trips",
    deviceClass: "bess",
    on: (id) => ({ trip: id, cause: "fault" }),
    off: (id) => ({ clearCause: id }),
  },
  {
    key: "f",
    what: "the grid meter freezes",
    deviceClass: "grid-connection",
    on: (id) => ({ device: id, fault: "frozen" }),
    off: (id) => ({ device: id, fault: "none" }),
  },
  {
    key: "s",
    what: "the grid meter is silent",
    deviceClass: "grid-connection",
    on: (id) => ({ device: id, fault: "silent" }),
    off: (id) => ({ device: id, fault: "none" }),
  },
];

const LOADS = new Map<string, PlantOrder>([
  ["0", { load: "mean" }],
  ["i", { load: "idle" }],
  ["l", { load: "full" }],
  ["t", { load: "training-1hz" }],
  ["c", { load: "checkpoint" }],
]);

const QUIT = new Set(["q", "\u0003", "\u0004"]);
const KEYS_SCENES_MAX = Math.min(9, SCENES_MAX);

/** Keys of a person at the terminal of `simulate`. */
export class SimulateKeys {
  readonly #devices: readonly KeyDevice[];
  readonly #broken = new Set<string>();

  constructor(devices: readonly KeyDevice[]) {
    this.#devices = devices;
  }

  /** What a key asks for: orders (none for a key that means nothing), help, or the end. */
  press(key: string): readonly PlantOrder[] | "help" | "quit" {
    if (QUIT.has(key)) return "quit";
    if (key === "?") return "help";
    const load = LOADS.get(key);
    if (load !== undefined) return [load];
    const toggle = TOGGLES.find((each) => each.key === key);
    if (toggle !== undefined) return this.#turn(toggle);
    const scene = Number(key);
    const isScene = Number.isInteger(scene) && scene >= 1 && scene <= KEYS_SCENES_MAX;
    if (!isScene) return [];
    this.#broken.clear();
    return [{ scene }];
  }

  #turn({ key, deviceClass, on, off }: Toggle): readonly PlantOrder[] {
    const device = this.#devices.find((each) => each.deviceClass === deviceClass);
    if (device === undefined && deviceClass !== undefined) return [];
    const id = device?.id ?? "";
    if (this.#broken.delete(key)) return [off(id)];
    this.#broken.add(key);
    return [on(id)];
  }
}

/** What the keys do, in a few lines. */
export function keyHelp(): string {
  const toggles = TOGGLES.map(({ key, what }) => `${key} ${what}`).join(", ");
  return [
    `keys: 1–${KEYS_SCENES_MAX} scenes, 0 mean load, i idle, l full, t 1 Hz, c checkpoints`,
    `again repairs: ${toggles}`,
    "? help, q quit",
  ].join("\n");
}
