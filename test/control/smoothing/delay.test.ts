import { strict as assert } from "node:assert";
import {
  createDelayTrack,
  delayRequest,
  identifyDelay,
  trackDelay,
} from "../../../src/control/smoothing/delay.ts";
import { nextNormal, nextUniform, randomState } from "../../../src/simulator/physics/random.ts";

const CYCLE_MS = 50;
const TERMS = { cycleMs: CYCLE_MS, delayMaxMs: 800, ratingW: 220 };

/** Commands of a load of random steps; what is measured comes late, with noise. */
function trackOf(
  delayCycles: number,
  seconds: number,
  noise = 1,
): ReturnType<typeof createDelayTrack> {
  const random = randomState(3);
  const track = createDelayTrack(CYCLE_MS);
  const commands: number[] = [];
  let command = 0;
  for (let cycle = 0; cycle < (seconds * 1_000) / CYCLE_MS; cycle += 1) {
    if (nextUniform(random) < 0.08) command = 200 * (nextUniform(random) - 0.5);
    commands.push(command);
    const whole = Math.floor(delayCycles);
    const near = commands[cycle - whole] ?? 0;
    const far = commands[cycle - whole - 1] ?? 0;
    const measured = near + (delayCycles - whole) * (far - near);
    trackDelay(track, command, measured + noise * nextNormal(random));
  }
  return track;
}

describe("identification of the delay", () => {
  for (const delayCycles of [1, 2.4, 4.5, 6, 11.3])
    it(`finds ${delayCycles * CYCLE_MS} ms`, () => {
      const estimate = identifyDelay(delayRequest(trackOf(delayCycles, 60), TERMS));
      assert.ok(estimate.result === "found", estimate.result);
      const error = estimate.delayMs - delayCycles * CYCLE_MS;
      assert.ok(Math.abs(error) < 0.25 * CYCLE_MS, `${error} ms wrong`);
    });

  it("takes the shorter delay of a periodic command", () => {
    const track = createDelayTrack(CYCLE_MS);
    const wave = (cycle: number): number => 100 * Math.sin((2 * Math.PI * cycle) / 8);
    for (let cycle = 0; cycle < 800; cycle += 1) trackDelay(track, wave(cycle), wave(cycle - 3));
    const estimate = identifyDelay(delayRequest(track, TERMS));
    assert.ok(estimate.result === "found", estimate.result);
    assert.ok(Math.abs(estimate.delayMs - 150) < 5, `${estimate.delayMs} ms`);
  });

  it("says why it finds none", () => {
    assert.deepEqual(identifyDelay(delayRequest(trackOf(3, 5), TERMS)), { result: "not-enough" });
    const still = createDelayTrack(CYCLE_MS);
    for (let cycle = 0; cycle < 800; cycle += 1) trackDelay(still, 0.1 * (cycle % 7), 0);
    assert.deepEqual(identifyDelay(delayRequest(still, TERMS)), { result: "too-still" });
    const other = identifyDelay(delayRequest(trackOf(3, 60, 1_000), TERMS));
    assert.deepEqual(other, { result: "does-not-follow" });
  });

  it("begins anew after a gap in what is measured", () => {
    const track = trackOf(3, 60);
    trackDelay(track, 5, Number.NaN);
    assert.equal(delayRequest(track, TERMS).count, 0);
  });
});
