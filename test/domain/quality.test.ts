import { strict as assert } from "node:assert";
import {
  GOOD,
  isBad,
  isGood,
  qualityCode,
  qualityCodeByName,
  qualityName,
  qualityOf,
  worstQuality,
} from "../../src/domain/quality.ts";

describe("quality", () => {
  it("names every assigned code and finds it again", () => {
    for (let code = 1; code < 256; code += 1) {
      const quality = qualityOf(code);
      if (quality === undefined || quality.class === "good") continue;
      assert.equal(qualityCode(quality.reason), code);
      assert.equal(qualityName(code), `${quality.class}/${quality.reason}`);
      assert.equal(isBad(code), quality.class === "bad");
    }
    assert.equal(qualityName(GOOD), "good");
    assert.equal(isGood(GOOD), true);
  });

  it("says what it can of a code that a newer gateway assigned", () => {
    assert.equal(qualityName(63), "uncertain/unknown");
    assert.equal(qualityName(255), "bad/unknown");
    assert.equal(qualityOf(63), undefined);
    assert.equal(qualityCodeByName("no-such-reason"), undefined);
  });

  it("still names a code that is no longer given, and gives it to nobody", () => {
    assert.equal(qualityName(3), "uncertain/unknown-code");
    assert.equal(qualityOf(3), undefined);
    assert.equal(qualityName(qualityCode("unknown-code")), "bad/unknown-code");
  });

  it("lets bad win over uncertain and uncertain over good, the first of two alike", () => {
    const stale = qualityCode("stale");
    const lost = qualityCode("no-communication");
    const fault = qualityCode("sensor-fault");
    assert.equal(worstQuality(GOOD, stale), stale);
    assert.equal(worstQuality(lost, stale), lost);
    assert.equal(worstQuality(lost, fault), lost);
    assert.equal(worstQuality(GOOD, GOOD), GOOD);
  });
});
