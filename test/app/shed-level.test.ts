import { strict as assert } from "node:assert";
import { parseShedLevel, parseShedWord, WORDS_MAX_CHARACTERS } from "../../src/app/shed-level.ts";
import { SHEDS_MAX } from "../../src/dcpi/shed/ladder-state.ts";

const shed = { zone: "cdu-1", powerW: 1, cause: "leak-confirmed", sinceUtc: 5, isLatched: true };

describe("what the processes say to each other of sheds", () => {
  it("is read as it was written", () => {
    const level = { upMs: 1, sheds: [shed, { ...shed, zone: "cdu-2", sinceUtc: undefined }] };
    assert.deepEqual(parseShedLevel(JSON.parse(JSON.stringify(level))), level);
    const word = { unconfirmed: [{ zone: "cdu-1", text: "x" }] };
    assert.deepEqual(parseShedWord(JSON.parse(JSON.stringify(word))), word);
  });

  for (const [what, level] of [
    ["nothing", undefined],
    ["no time", { sheds: [] }],
    ["no list", { upMs: 1, sheds: {} }],
    ["too many", { upMs: 1, sheds: Array.from({ length: SHEDS_MAX + 1 }, () => shed) }],
    ["no power", { upMs: 1, sheds: [{ ...shed, powerW: null }] }],
    ["a negative power", { upMs: 1, sheds: [{ ...shed, powerW: -1 }] }],
    ["no cause", { upMs: 1, sheds: [{ ...shed, cause: 3 }] }],
    ["no latch", { upMs: 1, sheds: [{ ...shed, isLatched: "no" }] }],
    ["no instant", { upMs: 1, sheds: [{ ...shed, sinceUtc: "now" }] }],
    ["a name that is too long", { upMs: 1, sheds: [{ ...shed, zone: "x".repeat(101) }] }],
  ] as const)
    it(`is refused as a level: ${what}`, () => {
      assert.throws(() => parseShedLevel(level), { code: "REQUEST_REFUSED" });
    });

  it("is refused as a word that is too long, or none", () => {
    const text = "x".repeat(WORDS_MAX_CHARACTERS + 1);
    for (const word of [undefined, {}, { unconfirmed: [{ zone: "cdu-1", text }] }])
      assert.throws(() => parseShedWord(word), { code: "REQUEST_REFUSED" });
  });
});
