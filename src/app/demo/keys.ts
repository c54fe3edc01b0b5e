import { FAULT_KINDS } from "../../simulator/faults.ts";
import { SCENES } from "../../simulator/scenes.ts";

/** What is on the screen. */
export type Panel = "plant" | "points" | "why" | "devices" | "faults" | "reset" | "help";

export interface KeyState {
  readonly panel: Panel;
  readonly isFrozen: boolean;
  /** Of the table of points. */
  readonly filter: string;
  readonly isFiltering: boolean;
  /** First line of the table, or the line that is chosen in a menu. */
  readonly line: number;
  /** Whose fault is chosen. */
  readonly device: string;
  readonly selectedUnit: number;
  /** When `e` was pressed once, ms; −Infinity: it was not. */
  readonly estopAt: number;
}

/** What somebody at the keys wants done. */
export type KeyOrder =
  | { readonly do: "scene"; readonly number: number }
  | { readonly do: "fault"; readonly device: string; readonly fault: string }
  | { readonly do: "normal" | "broker" | "estop" | "reset" | "quit" };

export interface KeySight {
  readonly nowMs: number;
  /** Ids of the devices, in the order of the menu. */
  readonly devices: readonly string[];
  readonly unitCount: number;
}

export interface KeyResult {
  readonly state: KeyState;
  readonly orders: readonly KeyOrder[];
}

/** The second `e` has to come within this time. */
export const ESTOP_MS = 2_000;
/** Choices of the menu of faults; the first ends whatever is wrong. */
export const FAULT_MENU: readonly string[] = ["none", ...FAULT_KINDS];

const FILTER_MAX = 40;
const PAGE = 15;
/** Scenes that have a key of their own. */
const SCENE_KEYS = 9;

export const FIRST_KEYS: KeyState = {
  panel: "plant",
  isFrozen: false,
  filter: "",
  isFiltering: false,
  line: 0,
  device: "",
  selectedUnit: 0,
  estopAt: -Infinity,
};

/** Names of the keys that a terminal sent; what it sends for others is left out. */
export function keysOf(text: string): string[] {
  return [...text.matchAll(/\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[^]/gu)].flatMap(([bytes]) => {
    const name = NAMES.get(bytes);
    if (name !== undefined) return [name];
    return bytes.length > 2 || bytes < " " ? [] : [bytes];
  });
}

const NAMES: ReadonlyMap<string, string> = new Map([
  ["\u001b[A", "up"],
  ["\u001b[B", "down"],
  ["\u001bOA", "up"],
  ["\u001bOB", "down"],
  ["\u001b[5~", "page-up"],
  ["\u001b[6~", "page-down"],
  ["\u001b", "escape"],
  ["\r", "enter"],
  ["\n", "enter"],
  ["\u007f", "back"],
  ["\b", "back"],
  ["\u0003", "interrupt"],
]);

/** What a key does where it is pressed. */
export function pressed(before: KeyState, key: string, sight: KeySight): KeyResult {
  // Whatever key comes between them: two presses of `e` are one order only in a row.
  const state = key === "e" ? before : { ...before, estopAt: -Infinity };
  if (key === "interrupt") return does(state, { do: "quit" });
  if (state.isFiltering) return only(filtered(state, key));
  if (state.panel === "reset") return answered(state, key);
  if (key === "escape") return only({ ...state, ...PLANT, isFrozen: state.isFrozen });
  const inPanel = panelKey(state, key, sight);
  return inPanel ?? plantKey(state, key, sight);
}

const PLANT = { panel: "plant", filter: "", line: 0 } as const;

function filtered(state: KeyState, key: string): KeyState {
  switch (key) {
    case "escape":
      return { ...state, isFiltering: false, filter: "", line: 0 };
    case "enter":
      return { ...state, isFiltering: false };
    case "back":
      return { ...state, filter: state.filter.slice(0, -1), line: 0 };
    default:
      if (key.length > 1 || state.filter.length >= FILTER_MAX) return state;
      return { ...state, filter: state.filter + key, line: 0 };
  }
}

function answered(state: KeyState, key: string): KeyResult {
  const left = { ...state, ...PLANT };
  return key === "y" ? does(left, { do: "reset" }) : only(left);
}

/** Keys that only mean something in a panel; undefined: it is none of them. */
function panelKey(state: KeyState, key: string, sight: KeySight): KeyResult | undefined {
  const step = STEPS.get(key);
  if (state.panel === "why" && (key === "w" || step !== undefined)) {
    const count = Math.max(1, sight.unitCount);
    const by = (step ?? 1) < 0 ? count - 1 : 1;
    return only({ ...state, selectedUnit: (state.selectedUnit + by) % count });
  }
  if (step !== undefined) {
    const most = linesOf(state.panel, sight) - 1;
    return only({ ...state, line: Math.min(Math.max(0, state.line + step), Math.max(0, most)) });
  }
  if (state.panel === "points" && key === "/") return only({ ...state, isFiltering: true });
  return key === "enter" ? chosen(state, sight) : undefined;
}

function chosen(state: KeyState, sight: KeySight): KeyResult {
  if (state.panel === "devices") {
    const device = sight.devices[state.line];
    return device === undefined
      ? only(state)
      : only({ ...state, panel: "faults", device, line: 0 });
  }
  if (state.panel !== "faults") return only(state);
  const fault = FAULT_MENU[state.line] ?? "none";
  return does({ ...state, ...PLANT }, { do: "fault", device: state.device, fault });
}

const STEPS: ReadonlyMap<string, number> = new Map([
  ["up", -1],
  ["down", 1],
  ["page-up", -PAGE],
  ["page-down", PAGE],
]);

function linesOf(panel: Panel, sight: KeySight): number {
  if (panel === "devices") return sight.devices.length;
  if (panel === "faults") return FAULT_MENU.length;
  return panel === "points" ? Infinity : 1;
}

function plantKey(state: KeyState, key: string, { nowMs }: KeySight): KeyResult {
  const panel = PANELS.get(key);
  if (panel !== undefined) {
    const isSame = panel === state.panel;
    return only({ ...state, ...PLANT, panel: isSame ? "plant" : panel });
  }
  if (/^[1-9]$/.test(key) && Number(key) <= Math.min(SCENE_KEYS, SCENES.length))
    return does({ ...state, ...PLANT }, { do: "scene", number: Number(key) });
  switch (key) {
    case "0":
      return does({ ...state, ...PLANT }, { do: "normal" });
    case "b":
      return does(state, { do: "broker" });
    case "e":
      return nowMs - state.estopAt <= ESTOP_MS
        ? does({ ...state, ...PLANT, estopAt: -Infinity }, { do: "estop" })
        : only({ ...state, estopAt: nowMs });
    case " ":
      return only({ ...state, isFrozen: !state.isFrozen });
    case "q":
      return does(state, { do: "quit" });
    default:
      return only(state);
  }
}

const PANELS: ReadonlyMap<string, Panel> = new Map([
  ["p", "points"],
  ["w", "why"],
  ["f", "devices"],
  ["r", "reset"],
  ["?", "help"],
]);

function only(state: KeyState): KeyResult {
  return { state, orders: [] };
}

function does(state: KeyState, order: KeyOrder): KeyResult {
  return { state, orders: [order] };
}
