import { strict as assert } from "node:assert";
import * as fc from "fast-check";
import { AlarmLog } from "../../src/alarms/alarm-log.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { utcMs } from "../../src/domain/time.ts";

function event(device: string, phase: PlantEvent["phase"] = "raised"): PlantEvent {
  const facts = { id: "leak", severity: "warning", point: undefined, text: "" } as const;
  return { ...facts, device, phase, at: utcMs(0) };
}

/** Somebody who follows a log part by part. */
class Follower {
  readonly standing = new Set<string>();
  question = { after: 0, isWhole: true };
  wholes = 0;

  read(log: AlarmLog, pageMax: number, pagesMax = Infinity): void {
    for (let pages = 0; pages < pagesMax; pages += 1) {
      const page = log.page(this.question, pageMax);
      if (page.isWhole && (!this.question.isWhole || this.question.after === 0)) {
        this.wholes += 1;
        this.standing.clear();
      }
      for (const { device = "", phase } of page.events)
        if (phase === "raised") this.standing.add(device);
        else if (phase === "cleared") this.standing.delete(device);
      this.question = { after: page.last, isWhole: page.isWhole && page.hasMore };
      if (!page.hasMore) return;
    }
  }
}

describe("alarm log", () => {
  it("tells what stands to who comes late, and what comes then", () => {
    const log = new AlarmLog(100);
    for (const device of ["a", "b", "c"]) log.take(event(device));
    log.take(event("b", "cleared"));
    const late = new Follower();
    late.read(log, 2);
    assert.deepEqual([...late.standing], ["a", "c"]);
    assert.equal(log.hasNews(late.question), false);
    log.take(event("d"));
    assert.equal(log.hasNews(late.question), true);
    late.read(log, 2);
    assert.deepEqual([...late.standing], ["a", "c", "d"]);
    assert.equal(late.wholes, 1);
  });

  it("tells what happened once only to who was there", () => {
    const log = new AlarmLog(100);
    const there = new Follower();
    there.read(log, 10);
    log.take(event("a", "once"));
    assert.deepEqual(
      log.page(there.question, 10).events.map(({ phase }) => phase),
      ["once"],
    );
    assert.deepEqual(log.page({ after: 0, isWhole: true }, 10).events, []);
  });

  it("begins anew for who has missed what it forgot, and for a place that is not its own", () => {
    const log = new AlarmLog(3);
    const slow = new Follower();
    log.take(event("a"));
    slow.read(log, 10);
    log.take(event("a", "cleared"));
    for (const device of ["b", "c", "d"]) log.take(event(device));
    slow.read(log, 10);
    assert.equal(slow.wholes, 2);
    assert.deepEqual([...slow.standing], ["b", "c", "d"]);
    assert.equal(log.page({ after: 99, isWhole: false }, 10).isWhole, true);
  });

  it("forgets what is over before what stands, however old that is", () => {
    const log = new AlarmLog(3);
    for (const device of ["a", "b"]) log.take(event(device));
    log.take(event("b", "cleared"));
    for (const device of ["c", "d"]) log.take(event(device));
    const late = new Follower();
    late.read(log, 10);
    assert.deepEqual([...late.standing], ["a", "c", "d"]);
  });

  it("leads every follower to what stands, however slow it reads", () => {
    const act = fc.record({
      device: fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"),
      phase: fc.constantFrom<PlantEvent["phase"]>("raised", "cleared"),
      pages: fc.nat({ max: 2 }),
    });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const log = new AlarmLog(10);
        const follower = new Follower();
        const standing = new Set<string>();
        for (const { device, phase, pages } of acts) {
          log.take(event(device, phase));
          if (phase === "raised") standing.add(device);
          else standing.delete(device);
          follower.read(log, 2, pages);
        }
        follower.read(log, 2);
        assert.deepEqual([...follower.standing].sort(), [...standing].sort());
      }),
    );
  });
});
