import { isBitTable, type RegisterTable } from "../wire/modbus/registers.ts";
import type { AddressRange, BoundPoint, CompiledProfile, RegisterPlace } from "./binding.ts";
import { pathOf, type ProblemList } from "./problems.ts";
import type { Profile } from "./schema.ts";

const BUS_LOAD_MAX = 0.6;
/** The slowest line that the library counts on. */
const BAUD = 9600;
const BITS_PER_BYTE = 11;
const REQUEST_BYTES = 8;
const ANSWER_BYTES = 5;
/** Silence before and after a frame, in bytes. */
const SILENCE_BYTES = 7;
/** Gap that a read crosses where the profile does not say. */
const USUAL_GAP = 4;

/** Rules 8, 9 and 19: what a request may touch, and how busy a serial line gets. */
export function lintBus(profile: Profile, compiled: CompiledProfile, problems: ProblemList): void {
  compiled.points.forEach((point) => {
    const path = pathOf(profile, point.id);
    lintPlaces(point, compiled, path, problems);
  });
  compiled.groups.forEach((group, index) => {
    if (!compiled.points.some((point) => point.group === index)) {
      problems.add(`/groups/${group.name}`, `no point is in the group "${group.name}"`, 19);
    }
  });
  const isSerialOnly = profile.identity.protocols.every((protocol) => protocol === "modbus-rtu");
  if (!isSerialOnly) return;
  const load = busLoad(compiled);
  if (load > BUS_LOAD_MAX) {
    const percent = Math.round(load * 100);
    const message = `one device takes ${percent} % of a line of ${BAUD} baud`;
    problems.add("/groups", `${message}; 60 % is the most`, 19);
  }
}

/** Part of the time for which one device keeps a line of 9600 baud busy. */
export function busLoad(compiled: CompiledProfile): number {
  let load = 0;
  compiled.groups.forEach((group, index) => {
    if (group.everyMs === 0) return;
    const places = compiled.points
      .filter((point) => point.group === index)
      .flatMap((point) => placesRead(point));
    load += spansOf(places, compiled).reduce((sum, span) => sum + costMs(span), 0) / group.everyMs;
  });
  return load;
}

function lintPlaces(
  point: BoundPoint,
  { modbus }: CompiledProfile,
  path: string,
  problems: ProblemList,
): void {
  for (const place of [...placesRead(point), ...(point.write === undefined ? [] : [point.write])]) {
    if (touches(place, modbus.illegal.get(place.table) ?? [])) {
      problems.add(path, `"${point.id}" touches an illegal range of the ${place.table} table`, 8);
    }
    if (place.count > modbus.maxRead) {
      problems.add(path, `"${point.id}" is longer than one request of the device`, 8);
    }
  }
  if (!fitsWithScaleFactor(point, modbus.maxRead)) {
    problems.add(path, `"${point.id}" and its scale factor do not fit one request`, 9);
  }
}

function touches(place: RegisterPlace, ranges: readonly AddressRange[]): boolean {
  const last = place.address + place.count - 1;
  return ranges.some(([from, to]) => place.address <= to && last >= from);
}

function fitsWithScaleFactor({ read }: BoundPoint, maxRead: number): boolean {
  const sf = read?.conversion.sf;
  if (read === undefined || sf?.place === undefined || sf.isStatic) return true;
  const first = Math.min(read.address, sf.place.address);
  const end = Math.max(read.address + read.count, sf.place.address + 1);
  return end - first <= maxRead && sf.place.table === read.table;
}

function placesRead({ read }: BoundPoint): readonly RegisterPlace[] {
  if (read === undefined) return [];
  const sf = read.conversion.sf;
  return sf?.place === undefined || sf.isStatic ? [read] : [read, sf.place];
}

interface Span {
  readonly table: RegisterTable;
  readonly first: number;
  readonly end: number;
}

/** Requests that a simple plan needs: neighbours in one, small gaps read across. */
function spansOf(places: readonly RegisterPlace[], { modbus }: CompiledProfile): readonly Span[] {
  const gap = modbus.maxGap ?? USUAL_GAP;
  const spans: Span[] = [];
  const sorted = places.toSorted((a, b) => a.table.localeCompare(b.table) || a.address - b.address);
  for (const place of sorted) {
    const end = place.address + place.count;
    const last = spans.at(-1);
    const joins =
      last?.table === place.table &&
      place.address - last.end <= gap &&
      end - last.first <= modbus.maxRead;
    if (last !== undefined && joins) {
      spans[spans.length - 1] = { ...last, end: Math.max(last.end, end) };
    } else {
      spans.push({ table: place.table, first: place.address, end });
    }
  }
  return spans;
}

function costMs({ table, first, end }: Span): number {
  const isBits = isBitTable(table);
  const payload = isBits ? Math.ceil((end - first) / 8) : 2 * (end - first);
  const bytes = REQUEST_BYTES + ANSWER_BYTES + payload + SILENCE_BYTES;
  return (bytes * BITS_PER_BYTE * 1000) / BAUD;
}
