import { assert } from "../../domain/assert.ts";
import type {
  AddressRange,
  BoundPoint,
  ModbusFacts,
  RegisterPlace,
} from "../../profiles/binding.ts";
import type { ReadRequest } from "../../wire/modbus/client-codec.ts";
import { mergeRanges } from "../../wire/modbus/ranges.ts";
import { isBitTable, type RegisterTable } from "../../wire/modbus/registers.ts";
import type { GapMemory } from "./gap-memory.ts";

/** A gap this small between two bound points may be read without the profile's leave. */
const FREE_GAP_MAX = 4;

/** What a request costs on this link: fixed, and for each register or bit it brings. */
export interface ReadCost {
  readonly requestMs: number;
  readonly registerMs: number;
}

export interface PlanInput {
  /** The points to read in one round; each has a `read` binding. */
  readonly points: readonly BoundPoint[];
  readonly facts: ModbusFacts;
  /** Unit of the device; a place may name another one behind the same link. */
  readonly unit: number;
  readonly cost: ReadCost;
  readonly gaps: GapMemory;
  /** True for a point whose static scale factor was read before on this connection. */
  readonly knowsFactor: (point: BoundPoint) => boolean;
}

/** One request of a round. */
export interface PlannedRead extends ReadRequest {
  /** Bound registers in it, ascending; none may be split. */
  readonly atoms: readonly AddressRange[];
}

/** Where a place lies in the answers of a round. */
export interface PlannedPlace {
  /** Index in `reads`. */
  readonly read: number;
  /** Registers or bits from the start of that request. */
  readonly offset: number;
}

export interface PlannedPoint {
  readonly point: BoundPoint;
  readonly place: PlannedPlace;
  /** Undefined: no scale-factor register, or a static one. */
  readonly scaleFactor: PlannedPlace | undefined;
}

export interface ReadPlan {
  readonly reads: readonly PlannedRead[];
  /** Every point of the input exactly once, in its order. */
  readonly points: readonly PlannedPoint[];
}

interface Place {
  readonly first: number;
  readonly last: number;
}

/** What must be in one request: a point, together with its scale factor where that is possible. */
interface Item extends Place {
  readonly places: readonly Place[];
  /** Index of the request, once it is known. */
  read: number;
}

/** All that is read of one table of one unit. */
interface Lane {
  readonly unit: number;
  readonly table: RegisterTable;
  readonly rules: LaneRules;
  readonly items: Item[];
}

interface LaneRules {
  readonly countMax: number;
  readonly readable: readonly AddressRange[];
  readonly illegal: readonly AddressRange[];
}

/**
 * The cheapest requests that read every point: neighbours are merged, and a gap is read where that
 * costs less than another request and nothing forbids it. A gap may be read when it lies inside a
 * `readable` range or is at most 4 registers long; never when the profile or experience calls a
 * register in it illegal.
 */
export function planReads(input: PlanInput): ReadPlan {
  const lanes = new Map<string, Lane>();
  const located = input.points.map((point) => itemsOf(point, input, lanes));
  const reads: PlannedRead[] = [];
  for (const lane of lanes.values()) {
    for (const group of partition(lane, input)) {
      for (const item of group) item.read = reads.length;
      reads.push(requestOf(lane, group));
    }
  }
  const points = located.map(({ point, place, scaleFactor }) => ({
    point,
    place: placeIn(reads, place),
    scaleFactor: scaleFactor === undefined ? undefined : placeIn(reads, scaleFactor),
  }));
  return { reads, points };
}

interface Located {
  readonly item: Item;
  readonly first: number;
}

interface LocatedPoint {
  readonly point: BoundPoint;
  readonly place: Located;
  readonly scaleFactor: Located | undefined;
}

function itemsOf(point: BoundPoint, input: PlanInput, lanes: Map<string, Lane>): LocatedPoint {
  const { read } = point;
  assert(read !== undefined, `${point.id} is planned but not read`);
  const own = placeOf(read);
  const lane = laneOf(read, input, lanes);
  const factor = read.conversion.sf;
  const isKnown = factor === undefined || (factor.isStatic && input.knowsFactor(point));
  const factorAt = isKnown ? undefined : factor.place;
  if (factorAt === undefined) {
    return { point, place: locate(addItem(lane, [own]), own), scaleFactor: undefined };
  }
  const sf = placeOf(factorAt);
  const sfLane = laneOf(factorAt, input, lanes);
  if (sfLane === lane && mayShareRequest(lane, own, sf, input)) {
    const item = addItem(lane, own.first <= sf.first ? [own, sf] : [sf, own]);
    return { point, place: locate(item, own), scaleFactor: locate(item, sf) };
  }
  return {
    point,
    place: locate(addItem(lane, [own]), own),
    scaleFactor: locate(addItem(sfLane, [sf]), sf),
  };
}

function addItem(lane: Lane, places: readonly [Place, ...Place[]]): Item {
  const first = places[0].first;
  const last = Math.max(...places.map((place) => place.last));
  const item = { first, last, places, read: -1 };
  lane.items.push(item);
  return item;
}

function locate(item: Item, place: Place): Located {
  return { item, first: place.first };
}

/** A point and its scale factor travel together unless that would touch what must not be read. */
function mayShareRequest(lane: Lane, own: Place, sf: Place, input: PlanInput): boolean {
  const [lower, upper] = own.first <= sf.first ? [own, sf] : [sf, own];
  if (Math.max(lower.last, upper.last) - lower.first + 1 > lane.rules.countMax) return false;
  if (upper.first <= lower.last) return true;
  if (input.facts.onePointPerRequest) return upper.first === lower.last + 1;
  const bound = boundBetween(lane, lower.last, upper.first, input);
  let before = lower.last;
  for (const after of [...bound, upper]) {
    if (after.first > before && !mayCross(lane, input, { before, after: after.first }))
      return false;
    before = Math.max(before, after.last);
  }
  return true;
}

/** Other bound places inside a gap, ascending: they need no leave to be read. */
function boundBetween(lane: Lane, before: number, after: number, input: PlanInput): Place[] {
  const inside: Place[] = [];
  for (const { read } of input.points) {
    if (read === undefined) continue;
    if (read.table !== lane.table || (read.unit ?? input.unit) !== lane.unit) continue;
    const place = placeOf(read);
    if (place.first > before && place.last < after) inside.push(place);
  }
  return inside.sort((a, b) => a.first - b.first);
}

/** True when the registers between two bound ones may be read, and nothing splits there. */
function mayCross(
  lane: Lane,
  input: PlanInput,
  gap: { readonly before: number; readonly after: number },
): boolean {
  const first = gap.before + 1;
  const last = gap.after - 1;
  if (input.gaps.forbids(lane, gap)) return false;
  if (last < first) return true;
  const { readable, illegal } = lane.rules;
  if (illegal.some(([from, to]) => from <= last && to >= first)) return false;
  if (last - first + 1 <= FREE_GAP_MAX) return true;
  return readable.some(([from, to]) => from <= first && to >= last);
}

/**
 * Cuts a lane's items into requests of least total cost. Dynamic programming: `cost[n]` is the
 * price of the first n items, each request a run of items in address order.
 */
function partition(lane: Lane, input: PlanInput): Item[][] {
  const items = lane.items.sort((a, b) => a.first - b.first || a.last - b.last);
  const search = searchOf(lane, input, items);
  for (let start = 0; start < items.length; start += 1) extend(search, start);
  const groups: Item[][] = [];
  for (let end = items.length; end > 0; end = search.startOf[end] ?? 0) {
    groups.unshift(items.slice(search.startOf[end] ?? 0, end));
  }
  return groups;
}

interface Search {
  readonly countMax: number;
  readonly cost: Float64Array;
  readonly startOf: Int32Array;
  /** By item. */
  readonly firsts: Float64Array;
  readonly lasts: Float64Array;
  readonly price: ReadCost;
  /** Share of a gap that is paid for: none where the profile says how long it may be. */
  readonly paidGapShare: 0 | 1;
  /** True when a request that ends with register `last` may go on to item `at`. */
  readonly mayJoin: (at: number, last: number, headFirst: number) => boolean;
}

function searchOf(lane: Lane, input: PlanInput, items: readonly Item[]): Search {
  const firsts = Float64Array.from(items, ({ first }) => first);
  const lasts = Float64Array.from(items, ({ last }) => last);
  const cost = new Float64Array(items.length + 1).fill(Number.POSITIVE_INFINITY);
  cost[0] = 0;
  return {
    countMax: lane.rules.countMax,
    cost,
    startOf: new Int32Array(items.length + 1),
    firsts,
    lasts,
    price: input.cost,
    paidGapShare: input.facts.maxGap === undefined ? 1 : 0,
    mayJoin: joinRule(lane, input, { firsts, lasts }),
  };
}

/** Every start asks about the same gaps: where items do not overlap, one answer serves them all. */
function joinRule(
  lane: Lane,
  input: PlanInput,
  { firsts, lasts }: Pick<Search, "firsts" | "lasts">,
): Search["mayJoin"] {
  const { maxGap = Number.POSITIVE_INFINITY, onePointPerRequest } = input.facts;
  const askedFrom = new Float64Array(firsts.length).fill(Number.NaN);
  const isOpen = new Uint8Array(firsts.length);
  return (at, last, headFirst) => {
    const first = firsts[at] ?? Number.NaN;
    // The same registers again, for another point of them, are no second point on the wire.
    if (onePointPerRequest) return first === headFirst && lasts[at] === last;
    if (first <= last) return true;
    if (first - last - 1 > maxGap) return false;
    if (askedFrom[at] !== last) {
      askedFrom[at] = last;
      isOpen[at] = mayCross(lane, input, { before: last, after: first }) ? 1 : 0;
    }
    return isOpen[at] === 1;
  };
}

/** Tries every request that begins with item `start`. */
function extend(search: Search, start: number): void {
  const { countMax, cost, startOf, firsts, lasts, price, paidGapShare, mayJoin } = search;
  const headFirst = firsts[start] ?? 0;
  const paidMs = (cost[start] ?? 0) + price.requestMs;
  let last = headFirst - 1;
  let paidRegisters = 0;
  for (let end = start; end < firsts.length; end += 1) {
    const itemFirst = firsts[end] ?? 0;
    const itemLast = lasts[end] ?? 0;
    if (end > start) {
      if (!mayJoin(end, last, headFirst)) return;
      if (Math.max(last, itemLast) - headFirst + 1 > countMax) return;
    }
    paidRegisters += paidGapShare * Math.max(0, itemFirst - last - 1);
    paidRegisters += Math.max(0, itemLast - Math.max(last, itemFirst - 1));
    last = Math.max(last, itemLast);
    const totalMs = paidMs + paidRegisters * price.registerMs;
    if (totalMs < (cost[end + 1] ?? 0)) {
      cost[end + 1] = totalMs;
      startOf[end + 1] = start;
    }
  }
}

function requestOf(lane: Lane, group: readonly Item[]): PlannedRead {
  const [head] = group;
  assert(head !== undefined, "a request reads something");
  const atoms: (readonly [number, number])[] = [];
  const places = group.flatMap((item) => item.places).sort((a, b) => a.first - b.first);
  for (const { first, last } of places) {
    const previous = atoms.at(-1);
    if (previous === undefined || first > previous[1]) atoms.push([first, last]);
    else atoms[atoms.length - 1] = [previous[0], Math.max(previous[1], last)];
  }
  const last = Math.max(...group.map((item) => item.last));
  return {
    unit: lane.unit,
    table: lane.table,
    address: head.first,
    count: last - head.first + 1,
    atoms,
  };
}

function placeIn(reads: readonly PlannedRead[], located: Located): PlannedPlace {
  const read = reads[located.item.read];
  assert(read !== undefined, "every place is in a request");
  return { read: located.item.read, offset: located.first - read.address };
}

function placeOf(place: RegisterPlace): Place {
  return { first: place.address, last: place.address + place.count - 1 };
}

function laneOf(place: RegisterPlace, input: PlanInput, lanes: Map<string, Lane>): Lane {
  const unit = place.unit ?? input.unit;
  const key = `${unit}/${place.table}`;
  const known = lanes.get(key);
  if (known !== undefined) return known;
  const { facts } = input;
  const rules = {
    countMax: isBitTable(place.table) ? facts.maxReadBits : facts.maxRead,
    // A gap may lie across the border of two ranges that touch.
    readable: mergeRanges(facts.readable.get(place.table) ?? []),
    illegal: facts.illegal.get(place.table) ?? [],
  };
  const lane = { unit, table: place.table, rules, items: [] };
  lanes.set(key, lane);
  return lane;
}
