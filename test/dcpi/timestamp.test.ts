import { strict as assert } from "node:assert";
import fc from "fast-check";
import { formatUtc, parseUtc } from "../../src/dcpi/timestamp.ts";
import { utcMs } from "../../src/domain/time.ts";

describe("instants of a message", () => {
  it("writes the leap day of a fourth century, the last of 146,097 days", () => {
    for (const day of ["2000-02-29", "2000-03-01", "2400-02-29", "2100-02-28"]) {
      const text = `${day}T12:00:00.000Z`;
      assert.equal(formatUtc(utcMs(Date.parse(text))), text);
    }
  });

  it("writes and reads what the language's own calendar does, from 1970 to 9999", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (ms) => {
        const text = formatUtc(utcMs(ms));
        assert.equal(text, new Date(ms).toISOString());
        assert.equal(parseUtc(text), ms);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes Z and +00:00, and cuts what is finer than a millisecond", () => {
    assert.equal(parseUtc("2026-02-28T23:59:59Z"), Date.UTC(2026, 1, 28, 23, 59, 59));
    assert.equal(parseUtc("2024-02-29T00:00:00+00:00"), Date.UTC(2024, 1, 29));
    assert.equal(parseUtc("2026-01-01T00:00:00.123999Z"), Date.UTC(2026, 0, 1, 0, 0, 0, 123));
    assert.equal(parseUtc("2026-01-01T00:00:00.5Z"), Date.UTC(2026, 0, 1, 0, 0, 0, 500));
  });

  const refused = [
    "2026-01-01T00:00:00+01:00",
    "2026-01-01T00:00:00",
    "2026-01-01 00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:60:00Z",
    "2026-06-30T23:59:60Z",
    "1969-12-31T23:59:59Z",
    "now",
    "",
  ];
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.equal(parseUtc(text), undefined);
    });
  }
});
