import { SCENES } from "../../simulator/scenes.ts";
import type { DemoState } from "./demo-state.ts";
import { clip, clockText, painter, padTo } from "./ink.ts";
import { ESTOP_MS, FAULT_MENU, type KeyState } from "./keys.ts";
import { LARGE, largeScreen } from "./large-screen.ts";
import type { PointReading } from "./plant-line.ts";
import { ageText, noteOf } from "./site-detail.ts";
import { SMALL, smallScreen, stateWord } from "./small-screen.ts";
import { whySteps } from "./why.ts";

export interface Sight {
  readonly state: DemoState;
  readonly keys: KeyState;
  /** Every point, in the order of the table. */
  readonly points: readonly PointReading[];
  readonly devices: readonly string[];
  readonly nowMs: number;
  readonly utcMs: number;
  readonly hasColour: boolean;
  readonly size: { readonly columns: number; readonly rows: number };
}

/** Heading, rule, foot, and the title of the panel. */
const PANEL_ROWS = 5;
/** From here on there is room for the longest names. */
const WIDE = 100;

/** What is on the screen now: the plant, or what somebody asked for with a key. */
export function screenOf(sight: Sight): string[] {
  const { state, keys, size, hasColour } = sight;
  if (keys.panel !== "plant") return panel(sight);
  const isLarge = size.columns >= LARGE.columns && size.rows >= LARGE.rows;
  const rows = Math.max(size.rows, SMALL.rows);
  const lines = isLarge
    ? largeScreen(state, hasColour, size.rows)
    : smallScreen(state, hasColour, rows);
  const isArmed = sight.nowMs - keys.estopAt <= ESTOP_MS;
  if (!isArmed) return lines;
  const warning = painter(hasColour)(" E-STOP: press e once more within 2 s", "red");
  return [...lines.slice(0, -1), warning];
}

function panel(sight: Sight): string[] {
  const { state, keys, size, hasColour } = sight;
  const paint = painter(hasColour);
  const columns = Math.max(size.columns, SMALL.columns);
  const room = Math.max(size.rows, SMALL.rows) - PANEL_ROWS;
  const rule = "─".repeat(columns);
  const { title, lines, foot } = contentOf(sight, room);
  const shown = lines.slice(0, room);
  return [
    ` dcpi-gateway demo  hall-1  ${clockText(state.elapsedS)}  ` +
      `${padTo(stateWord(state, paint), 8)}  ${state.title}`,
    rule,
    ` ${title}`,
    ...shown,
    ...Array<string>(room - shown.length).fill(""),
    rule,
    ` ${foot}`,
  ].map((line) => clip(line.trimEnd(), keys.panel === "points" ? size.columns : columns));
}

interface Content {
  readonly title: string;
  readonly lines: readonly string[];
  readonly foot: string;
}

function contentOf(sight: Sight, room: number): Content {
  const { keys, devices, state } = sight;
  const list = (title: string, choices: readonly string[]): Content => ({
    title,
    lines: menu(choices, { chosen: keys.line, room, hasColour: sight.hasColour }),
    foot: "up, down, enter   Esc back",
  });
  switch (keys.panel) {
    case "points":
      return pointTable(sight, room);
    case "devices":
      return list("FAULTS  of which device?", devices);
    case "faults":
      return list(`FAULTS  what happens to ${keys.device}?`, FAULT_MENU);
    case "why":
      return {
        title: "WHY  this setpoint",
        lines: whySteps(state.control, keys.selectedUnit).map(
          (step, at) => `   ${"  ".repeat(at)}${at === 0 ? "" : "← "}${step}`,
        ),
        foot: "w, up, down another battery   Esc back",
      };
    case "reset":
      return {
        title: "RESET  y/n?",
        lines: [
          "",
          "   Ends every fault, repairs the plant and clears the causes of trips, then sends",
          "   the reset through the gateway as an operator at the box would.",
        ],
        foot: "y reset   any other key: no",
      };
    case "plant":
    case "help":
      return help();
  }
}

function pointTable({ points, keys, utcMs, hasColour, size }: Sight, room: number): Content {
  const paint = painter(hasColour);
  const text = (point: PointReading): string => pointText(point, utcMs, size.columns);
  const found = points.filter((point) => isFound(point, keys.filter));
  const first = Math.min(keys.line, Math.max(0, found.length - room));
  const filter = keys.filter === "" && !keys.isFiltering ? "" : `   /${keys.filter}`;
  return {
    title: `POINTS  ${found.length} of ${points.length}${filter}${keys.isFiltering ? "_" : ""}`,
    lines: found.slice(first, first + room).map((point) => {
      if (point.quality === "good") return text(point);
      return paint(text(point), point.quality.startsWith("uncertain") ? "yellow" : "red");
    }),
    foot: keys.isFiltering
      ? "type a part of a name or of a quality   enter keeps it   Esc all points"
      : "up, down, page up, page down   / filter   Esc back",
  };
}

/** By a part of its name, or of its quality. */
function isFound({ id, quality }: PointReading, filter: string): boolean {
  return id.includes(filter) || quality.includes(filter);
}

function pointText(point: PointReading, utcMs: number, columns: number): string {
  const { id, value, unit, ageMs } = point;
  const shown = value === null ? "—" : typeof value === "number" ? short(value) : String(value);
  const nameWidth = columns >= WIDE ? 46 : 30;
  const word = noteOf(point, utcMs)?.text ?? "good";
  return (
    ` ${padTo(clip(id, nameWidth), nameWidth)}${shown.padStart(12)} ` +
    `${(unit ?? "").padEnd(5)}${shortAge(ageMs).padStart(7)}  ${word}`
  );
}

function shortAge(ms: number): string {
  if (!Number.isFinite(ms)) return "never";
  return ms < 1_000 ? `${Math.round(ms)} ms` : ageText(ms);
}

function short(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(7)));
}

/** Scrolls so that the chosen line is always there. */
function menu(
  choices: readonly string[],
  { chosen, room, hasColour }: { chosen: number; room: number; hasColour: boolean },
): string[] {
  const first = Math.max(0, Math.min(chosen - (room >> 1), choices.length - room));
  const paint = painter(hasColour);
  return choices
    .map((choice, at) => (at === chosen ? paint(` > ${choice} `, "inverse") : `   ${choice}`))
    .slice(first, first + room);
}

function help(): Content {
  return {
    title: "HELP",
    lines: [
      ...SCENES.slice(0, 9).map(({ number, title }) => `   ${number}  ${title}`),
      "   0  back to the story     space  the picture stands still, the plant does not",
      "   p  every point with quality and age, / filters     w  why of a setpoint",
      "   f  faults of devices     b  broker off and on      q  quit",
      "   e  twice within 2 s: emergency stop of both batteries",
      "   r  reset: repairs everything, then resets the trips as an operator would",
      "",
      "   red: bad, critical, trip   yellow: uncertain, warning   cyan: battery gives",
      "   magenta: battery takes     —: no good value, with its reason",
    ],
    foot: "? or Esc back",
  };
}
