import { strict as assert } from "node:assert";
import fc from "fast-check";
import type { RegisterPlace } from "../../src/profiles/binding.ts";
import { encodePoint } from "../../src/profiles/encode.ts";
import { SimulatedDevice } from "../../src/simulator/device.ts";
import { isBitTable } from "../../src/wire/modbus/registers.ts";
import { SHIPPED, shippedProfile } from "./support/shipped-profiles.ts";

/** Values of every size, and those at which types end and "no value" begins. */
const VALUE = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.integer({ min: -40_000, max: 70_000 }),
  fc.constantFrom(0, -0, 0x7fff, 0x8000, 0xffff, 0xfe6c, -0x8000, 2 ** 31, 2 ** 32 - 1, 2 ** 32),
);

describe("numbers that are written straight into their registers", () => {
  for (const name of SHIPPED) {
    it(`${name}: are the words that the profile's own encoding makes`, () => {
      const { profile, nominal } = shippedProfile(name);
      const device = new SimulatedDevice({ id: "one", profile, unitId: 1, nominal });
      const points = profile.points.filter(
        ({ read, type }) => read !== undefined && !isBitTable(read.table) && type !== "text",
      );
      const words = (at: Pick<RegisterPlace, "table" | "address" | "count">): number[] => {
        const bytes = device.view(1, at.table, at.address, at.count) ?? new Uint8Array(0);
        return Array.from(
          { length: at.count },
          (_, index) => ((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0),
        );
      };
      fc.assert(
        fc.property(fc.constantFrom(...points), VALUE, (point, value) => {
          const { read } = point;
          assert.ok(read !== undefined);
          const sf = read.conversion.sf?.place;
          const exponent =
            sf === undefined
              ? (read.conversion.sf?.exponent ?? 0)
              : ((words(sf)[0] ?? 0) << 16) >> 16;
          const { percentOf } = read.conversion;
          const other = percentOf === undefined ? undefined : profile.points[percentOf];
          const reference = other === undefined ? undefined : device.readPoint(other.id);
          const wanted = encodePoint(point, value, {
            exponent,
            current: words(read),
            ...(typeof reference === "number" ? { reference } : {}),
          });
          assert.equal(device.setPoint(point.id, value), wanted !== undefined);
          if (wanted !== undefined) assert.deepEqual(words(read), wanted, point.id);
        }),
        { numRuns: 500 },
      );
    });
  }
});
