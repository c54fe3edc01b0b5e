import { strict as assert } from "node:assert";
import {
  announce,
  announcedEnvelope,
  announcedTargetW,
  ANNOUNCEMENTS_MAX,
  leadMs,
  noAnnouncements,
  withdraw,
} from "../../../src/control/smoothing/announcements.ts";
import type { Announcement } from "../../../src/domain/announcement.ts";
import { monotonicMs } from "../../../src/domain/time.ts";
import { siteSettings } from "./support/arms.ts";
import { MW } from "./support/rig.ts";
import { LOOPS } from "./support/timing.ts";

const settings = siteSettings(LOOPS.d95);
const JOB: Announcement = {
  id: "job",
  at: monotonicMs(200_000),
  fromW: 200 * MW,
  toW: 400 * MW,
  withinMs: 5_000,
  enforcedW: undefined,
};

function envelopeAt(announcement: Announcement, ms: number, loadW: number): Record<string, number> {
  const state = noAnnouncements();
  announce(state, announcement);
  const envelope = { lowW: 0, highW: 0, laterLowW: 0, laterHighW: 0, laterInS: 0 };
  announcedEnvelope(state, settings, envelope, { now: monotonicMs(ms), loadW });
  return { ...envelope };
}

describe("announcements", () => {
  it("lead by half of the time that the step takes", () => {
    assert.equal(leadMs(settings, 200 * MW, 400 * MW), 100_000);
    const state = noAnnouncements();
    announce(state, JOB);
    const targetAt = (ms: number): number =>
      announcedTargetW(state, settings, monotonicMs(ms), 200 * MW);
    assert.equal(targetAt(99_000), Number.NaN);
    assert.equal(targetAt(100_000), 400 * MW);
    assert.equal(targetAt(206_000), 400 * MW);
    assert.equal(targetAt(208_000), Number.NaN);
    assert.deepEqual(state.ended, { id: "job", as: "not-honoured" });
  });

  it("end when the load has been beyond the middle for two seconds", () => {
    const state = noAnnouncements();
    announce(state, JOB);
    const step = (ms: number, loadMw: number): number =>
      announcedTargetW(state, settings, monotonicMs(ms), loadMw * MW);
    step(199_000, 390);
    step(200_000, 210);
    step(200_100, 390);
    step(202_000, 390);
    assert.equal(state.ended, undefined);
    step(202_100, 390);
    assert.deepEqual(state.ended, { id: "job", as: "happened" });
    assert.equal(state.pending.length, 0);
  });

  it("narrow what the load may do only where something enforces it, and until then", () => {
    const whole = { lowW: 200 * MW, highW: 400 * MW, laterLowW: 200 * MW, laterHighW: 400 * MW };
    assert.deepEqual(envelopeAt(JOB, 100_000, 200 * MW), { ...whole, laterInS: 0 });
    const enforced = { ...JOB, enforcedW: 220 * MW };
    assert.deepEqual(envelopeAt(enforced, 100_000, 200 * MW), {
      ...whole,
      highW: 220 * MW,
      laterInS: 95,
    });
    assert.deepEqual(envelopeAt(enforced, 196_000, 200 * MW), { ...whole, laterInS: 0 });
    // What the meter shows is stronger than what was promised.
    assert.deepEqual(envelopeAt(enforced, 100_000, 230 * MW), { ...whole, laterInS: 0 });
  });

  it("are kept by time, each once, and the one furthest ahead gives way", () => {
    const state = noAnnouncements();
    for (let index = ANNOUNCEMENTS_MAX; index >= 0; index -= 1)
      announce(state, { ...JOB, id: `job-${index}`, at: monotonicMs(1_000 * index) });
    assert.equal(state.pending.length, ANNOUNCEMENTS_MAX);
    assert.equal(state.dropped, 1);
    assert.equal(state.pending.at(0)?.id, "job-0");
    announce(state, { ...JOB, id: "job-3", at: monotonicMs(0.5) });
    assert.deepEqual(
      state.pending.slice(0, 3).map(({ id }) => id),
      ["job-0", "job-3", "job-1"],
    );
    withdraw(state, "job-0");
    assert.equal(state.pending.at(0)?.id, "job-3");
  });
});
