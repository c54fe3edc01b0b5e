import { strict as assert } from "node:assert";
import { layoutOf, otherUnits, RegisterImage } from "../../src/simulator/register-image.ts";
import { makeProfile, place, writeAt } from "../support/profile-builder.ts";

describe("register image", () => {
  const profile = makeProfile({
    points: [
      { id: "a", read: place(10, { raw: "float32", order: "ABCD" }, { count: 2 }) },
      {
        id: "b",
        read: place(20, {
          raw: "int16",
          sf: {
            place: { table: "holding", address: 30, count: 1, unit: undefined, model: undefined },
            exponent: undefined,
            isStatic: false,
          },
        }),
      },
      { id: "c", read: place(12), write: writeAt(12) },
      { id: "d", read: place(5, { raw: "bool" }, { table: "discrete" }) },
      { id: "e", read: place(7, {}, { unit: 9 }) },
    ],
    modbus: {
      readable: new Map([["holding", [[100, 110]]]]),
      illegal: new Map([["holding", [[104, 105]]]]),
    },
  });
  const image = new RegisterImage(layoutOf(profile, undefined));

  it("has what is bound, its scale factor and what is readable, and nothing else", () => {
    const exists = (address: number, count: number): boolean =>
      image.view("holding", address, count) !== undefined;
    assert.ok(exists(10, 3), "neighbouring points in one read");
    assert.ok(exists(30, 1), "scale factor");
    assert.ok(exists(100, 4) && exists(106, 5), "readable on both sides of the hole");
    assert.ok(image.view("discrete", 5, 1) !== undefined);
    assert.equal(exists(9, 2), false);
    assert.equal(exists(13, 1), false);
    assert.equal(exists(103, 2), false, "illegal inside readable");
    assert.equal(exists(110, 2), false);
    assert.equal(image.view("input", 10, 1), undefined);
    assert.equal(image.view("discrete", 6, 1), undefined);
  });

  it("writes only where the profile writes", () => {
    assert.ok(image.isWritable("holding", 12, 1));
    assert.equal(image.isWritable("holding", 10, 1), false);
    assert.equal(image.isWritable("holding", 11, 2), false);
    assert.equal(image.isWritable("holding", 200, 1), false);
  });

  it("keeps words big-endian and bits one by one, and comes back to a copy", () => {
    const start = image.copy();
    image.setWords({ table: "holding", address: 10 }, [0x1234, 0xabcd]);
    image.setWords({ table: "discrete", address: 5 }, [1]);
    assert.deepEqual([...(image.view("holding", 10, 2) ?? [])], [0x12, 0x34, 0xab, 0xcd]);
    assert.deepEqual(image.words({ table: "holding", address: 10, count: 2 }), [0x1234, 0xabcd]);
    assert.deepEqual(image.words({ table: "discrete", address: 5, count: 1 }), [1]);
    image.restore(start);
    assert.deepEqual(image.words({ table: "holding", address: 10, count: 2 }), [0, 0]);
    assert.deepEqual(image.words({ table: "discrete", address: 5, count: 1 }), [0]);
  });

  it("keeps registers of another unit id apart", () => {
    assert.deepEqual([...otherUnits(profile)], [9]);
    assert.equal(image.view("holding", 7, 1), undefined);
    const other = new RegisterImage(layoutOf(profile, 9));
    assert.ok(other.view("holding", 7, 1) !== undefined);
    assert.equal(other.view("holding", 10, 1), undefined);
  });

  it("starts with the chain of SunSpec models and its end", () => {
    const models = [
      { model: 1, address: 40_002, length: 4 },
      { model: 701, address: 40_008, length: 3 },
    ];
    const sunspec = makeProfile({
      points: [],
      sunspec: { bases: [40_000], base: 40_000, models },
    });
    const chain = new RegisterImage(layoutOf(sunspec, undefined));
    assert.deepEqual(chain.words({ table: "holding", address: 40_000, count: 15 }), [
      ...[0x5375, 0x6e53],
      ...[1, 4, 0xffff, 0xffff, 0xffff, 0xffff],
      ...[701, 3, 0xffff, 0xffff, 0xffff],
      ...[0xffff, 0],
    ]);
    assert.equal(chain.view("holding", 40_000, 16), undefined);
  });
});
