import { strict as assert } from "node:assert";
import fc from "fast-check";
import { GapMemory, type GapState } from "../../../src/drivers/modbus/gap-memory.ts";
import { type PlanInput, planReads, type ReadPlan } from "../../../src/drivers/modbus/planner.ts";
import type { AddressRange, BoundPoint, ModbusFacts } from "../../../src/profiles/binding.ts";
import { conversion, facts, point, readAt, scaleFactorAt } from "../../support/profile-builder.ts";

const COST = { requestMs: 5, registerMs: 0.02 };

function plan(points: readonly BoundPoint[], changes: Partial<PlanInput> = {}): ReadPlan {
  const gaps = new GapMemory();
  return planReads({
    points,
    facts: facts(),
    unit: 1,
    cost: COST,
    gaps,
    knowsFactor: () => false,
    ...changes,
  });
}

function at(addresses: readonly number[], count = 1): BoundPoint[] {
  return addresses.map((address, ordinal) => point(ordinal, { read: readAt(address, { count }) }));
}

function spans({ reads }: ReadPlan): string[] {
  return reads.map(({ address, count }) => `${address}+${count}`);
}

function readable(...ranges: AddressRange[]): ModbusFacts {
  return facts({ readable: new Map([["holding", ranges]]) });
}

describe("modbus read planner", () => {
  it("merges neighbours, and gaps of up to four registers, without being told to", () => {
    assert.deepEqual(spans(plan(at([0, 1, 2]))), ["0+3"]);
    assert.deepEqual(spans(plan(at([0, 5]))), ["0+6"]);
    assert.deepEqual(spans(plan(at([0, 6]))), ["0+1", "6+1"]);
  });

  it("crosses longer gaps only where the profile calls them readable", () => {
    assert.deepEqual(spans(plan(at([0, 50]), { facts: readable([0, 100]) })), ["0+51"]);
    assert.deepEqual(spans(plan(at([0, 50]), { facts: readable([1, 30], [31, 49]) })), ["0+51"]);
    assert.deepEqual(spans(plan(at([0, 50]), { facts: readable([1, 48]) })), ["0+1", "50+1"]);
  });

  it("never crosses a register that the profile calls illegal", () => {
    const illegal = new Map([["holding", [[3, 3]]]] as const);
    assert.deepEqual(spans(plan(at([0, 1, 5]), { facts: facts({ illegal }) })), ["0+2", "5+1"]);
  });

  it("pays for a gap only where that is cheaper than a request", () => {
    const serial = { requestMs: 20, registerMs: 2 };
    const table = readable([0, 100]);
    assert.deepEqual(spans(plan(at([0, 9]), { facts: table, cost: serial })), ["0+10"]);
    assert.deepEqual(spans(plan(at([0, 13]), { facts: table, cost: serial })), ["0+1", "13+1"]);
  });

  it("takes the profile's largest gap for what a gap is worth", () => {
    const table = { ...readable([0, 200]), maxGap: 10 };
    const serial = { requestMs: 1, registerMs: 2 };
    const points = at([0, 11, 30]);
    assert.deepEqual(spans(plan(points, { facts: table, cost: serial })), ["0+12", "30+1"]);
  });

  it("reads 200 points scattered over 1,000 readable registers in at most 10 requests", () => {
    const random = lcg(7);
    const addresses = new Set<number>();
    while (addresses.size < 200) addresses.add(Math.floor(random() * 1_000));
    const { reads, points } = plan(at([...addresses]), { facts: readable([0, 999]) });
    assert.ok(reads.length <= 10, `${reads.length} requests`);
    assert.equal(points.length, 200);
  });

  it("keeps to the largest request of the device, and never splits a point", () => {
    const small = facts({ maxRead: 10 });
    const { reads } = plan(at([0, 4, 8, 12], 4), { facts: small });
    assert.deepEqual(
      reads.map(({ count }) => count),
      [8, 8],
    );
    const bits = [0, 1, 2].map((address) =>
      point(address, { read: readAt(address, { table: "coil" }) }),
    );
    assert.deepEqual(spans(plan(bits, { facts: facts({ maxReadBits: 2 }) })), ["0+1", "1+2"]);
  });

  it("reads a scale factor in the same request as its point", () => {
    const scaled = (address: number, sf: number) =>
      readAt(address, { conversion: conversion({ sf: scaleFactorAt(sf) }) });
    const points = [
      point(0, { read: scaled(0, 40) }),
      point(1, { read: scaled(30, 100) }),
      point(2, { read: readAt(35) }),
    ];
    const { reads, points: placed } = plan(points, {
      facts: { ...readable([0, 200]), maxRead: 80 },
      cost: { requestMs: 1, registerMs: 1 },
    });
    for (const { place, scaleFactor } of placed.slice(0, 2)) {
      assert.equal(scaleFactor?.read, place.read);
    }
    assert.ok(reads.every(({ count }) => count <= 80));
  });

  it("reads a scale factor apart when what lies between must not be read", () => {
    const read = readAt(0, { conversion: conversion({ sf: scaleFactorAt(40) }) });
    const result = plan([point(0, { read })]);
    assert.deepEqual(spans(result), ["0+1", "40+1"]);
    assert.deepEqual(result.points[0]?.scaleFactor, { read: 1, offset: 0 });
  });

  it("reads a static scale factor once", () => {
    const read = readAt(0, {
      conversion: conversion({ sf: scaleFactorAt(3, { isStatic: true }) }),
    });
    const points = [point(0, { read })];
    assert.deepEqual(spans(plan(points)), ["0+4"]);
    const later = plan(points, { knowsFactor: () => true });
    assert.deepEqual(spans(later), ["0+1"]);
    assert.equal(later.points[0]?.scaleFactor, undefined);
  });

  it("asks each unit and each table for itself", () => {
    const points = [
      point(0),
      point(1, { read: readAt(1, { unit: 9 }) }),
      point(2, { read: readAt(2, { table: "input" }) }),
    ];
    const { reads } = plan(points);
    assert.deepEqual(
      reads.map(({ unit, table }) => [unit, table]),
      [
        [1, "holding"],
        [9, "holding"],
        [1, "input"],
      ],
    );
  });

  it("asks for one point at a time where the device wants it", () => {
    const one = facts({ onePointPerRequest: true });
    assert.deepEqual(spans(plan(at([0, 1, 2]), { facts: one })), ["0+1", "1+1", "2+1"]);
    const slices = [point(0, { read: readAt(7) }), point(1, { read: readAt(7) })];
    assert.deepEqual(spans(plan(slices, { facts: one })), ["7+1"]);
  });

  it("says which registers of a request are bound, so that it can be split", () => {
    const points = [
      point(0, { read: readAt(0, { count: 2 }) }),
      point(1, { read: readAt(1) }),
      point(2, { read: readAt(4) }),
    ];
    assert.deepEqual(plan(points).reads[0]?.atoms, [
      [0, 1],
      [4, 4],
    ]);
  });

  it("goes round what was learned, also after a restart", () => {
    const gaps = new GapMemory();
    const place = { unit: 1, table: "holding" as const };
    gaps.learnCrossing(place, { before: 1, after: 4 });
    gaps.learnCrossing(place, { before: 5, after: 6 });
    gaps.learnAlone(place, 9, 9);
    const points = at([0, 1, 4, 5, 6, 7, 8, 9, 10]);
    const expected = ["0+2", "4+2", "6+3", "9+1", "10+1"];
    assert.deepEqual(spans(plan(points, { gaps })), expected);
    const state = JSON.parse(JSON.stringify(gaps.toState())) as GapState;
    assert.deepEqual(spans(plan(points, { gaps: new GapMemory(state) })), expected);
    assert.deepEqual(spans(plan(points, { gaps, unit: 2 })), ["0+11"]);
    assert.deepEqual(new GapMemory(state).toState(), state);
  });

  it("learns a bounded number of gaps and counts what it drops", () => {
    const gaps = new GapMemory();
    for (let at = 0; at < 5_000; at += 1) {
      gaps.learnCrossing({ unit: 1, table: "holding" }, { before: at * 10, after: at * 10 + 5 });
    }
    assert.equal(gaps.toState().entries[0]?.illegal.length, 4_096);
    assert.equal(gaps.dropped, 904);
    assert.equal(gaps.revision, 4_096);
  });
});

describe("modbus read planner, whatever the register map", () => {
  const range = (last: number) =>
    fc
      .tuple(fc.integer({ min: 0, max: last }), fc.integer({ min: 0, max: 30 }))
      .map(([first, length]): AddressRange => [first, Math.min(last, first + length)]);
  const map = fc.record({
    places: fc.array(
      fc.record({
        address: fc.integer({ min: 0, max: 290 }),
        count: fc.constantFrom(1, 1, 2, 4),
        factor: fc.option(fc.integer({ min: 0, max: 299 }), { nil: undefined }),
        table: fc.constantFrom("holding" as const, "input" as const),
      }),
      { minLength: 1, maxLength: 60 },
    ),
    readable: fc.array(range(299), { maxLength: 6 }),
    illegal: fc.array(range(299), { maxLength: 4 }),
    maxRead: fc.integer({ min: 4, max: 125 }),
    requestMs: fc.integer({ min: 1, max: 50 }),
    one: fc.boolean(),
  });

  it("reads every point exactly once and touches nothing that it must not", () => {
    fc.assert(
      fc.property(map, (given) => {
        const points = given.places.map(({ address, count, factor, table }, ordinal) => {
          const sf = factor === undefined ? undefined : scaleFactorAt(factor);
          const placed = sf?.place === undefined ? sf : { ...sf, place: { ...sf.place, table } };
          return point(ordinal, {
            read: readAt(address, { count, table, conversion: conversion({ sf: placed }) }),
          });
        });
        const tables = (ranges: readonly AddressRange[]) =>
          new Map([
            ["holding", ranges],
            ["input", ranges],
          ] as const);
        const input = {
          facts: facts({
            maxRead: given.maxRead,
            readable: tables(given.readable),
            illegal: tables(given.illegal),
            onePointPerRequest: given.one,
          }),
          cost: { requestMs: given.requestMs, registerMs: 0.5 },
        };
        check(plan(points, input), points, given);
      }),
      { numRuns: 500 },
    );
  });

  function check(
    result: ReadPlan,
    points: readonly BoundPoint[],
    given: {
      readonly maxRead: number;
      readonly readable: readonly AddressRange[];
      readonly illegal: readonly AddressRange[];
    },
  ): void {
    const { reads } = result;
    assert.deepEqual(
      result.points.map((placed) => placed.point),
      points,
    );
    for (const { point: bound, place, scaleFactor } of result.points) {
      const read = reads[place.read]!;
      const { address, count, table } = bound.read!;
      assert.equal(read.table, table);
      assert.equal(read.address + place.offset, address);
      assert.ok(place.offset + count <= read.count, "the whole point is in one request");
      const factor = bound.read?.conversion.sf?.place?.address;
      if (factor === undefined) continue;
      assert.ok(scaleFactor !== undefined);
      assert.equal(reads[scaleFactor.read]!.address + scaleFactor.offset, factor);
    }
    for (const read of reads) {
      assert.ok(read.count <= given.maxRead);
      const bound = boundIn(read.table, points);
      const inside = (ranges: readonly AddressRange[], at: number) =>
        ranges.some(([first, last]) => first <= at && at <= last);
      let gap: number[] = [];
      for (let at = read.address; at < read.address + read.count; at += 1) {
        if (!bound.has(at)) {
          assert.ok(!inside(given.illegal, at), `illegal register ${at} is read`);
          gap.push(at);
          continue;
        }
        const isFree = gap.length <= 4 || gap.every((register) => inside(given.readable, register));
        assert.ok(isFree, `the gap before ${at} is neither readable nor small`);
        gap = [];
      }
      assert.deepEqual(gap, [], "a request ends with a bound register");
    }
  }

  function boundIn(table: string, points: readonly BoundPoint[]): Set<number> {
    const bound = new Set<number>();
    for (const { read } of points) {
      if (read?.table !== table) continue;
      for (let at = 0; at < read.count; at += 1) bound.add(read.address + at);
      const factor = read.conversion.sf?.place;
      if (factor !== undefined) bound.add(factor.address);
    }
    return bound;
  }
});

function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
