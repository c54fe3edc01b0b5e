import { strict as assert } from "node:assert";
import { outcomeLines } from "../../src/app/commands/replay.ts";
import { replay } from "../../src/app/replay.ts";
import type { RecordingItem } from "../../src/app/replay-files.ts";
import { MAGIC, readSegment, type SegmentRecord } from "../../src/recorder/segment.ts";
import { recordedStory } from "../support/recorded-story.ts";
import { SiteRecording } from "../support/recording.ts";
import { VirtualSite } from "../support/virtual-site.ts";

describe("flight recorder", function () {
  this.timeout(180_000);

  for (const control of ["smoothing", "peak-cap"] as const)
    it(`plays the acts of the demonstration back to the last bit: ${control}`, async () => {
      const { site, recording } = await recordedStory(control);
      const seen = { events: new Set<string>(), stages: new Set<string>(), envelope: 0 };
      const outcome = replay(recording.items(), {
        onCycle: ({ record, result, toldBetween }) => {
          for (const { id, phase } of result.events) seen.events.add(`${id} ${phase}`);
          for (const { stage } of [...toldBetween, ...result.steps]) seen.stages.add(stage);
          seen.envelope += record.envelope.length;
          return true;
        },
      });
      assert.equal(outcome.difference, undefined, outcomeLines(outcome).join("\n"));
      assert.deepEqual([outcome.gaps, outcome.torn, outcome.skipped], [[], [], 0]);
      const cycles = site.context.site.control?.periodMs === 50 ? 44 * 20 : Number.NaN;
      assert.ok(outcome.cycles >= cycles - 20, `${outcome.cycles} cycles`);
      const acts = ["emergency-stop raised", "emergency-stop cleared", "unit-silent raised"];
      for (const act of [...acts, "meter-frozen raised"])
        assert.ok(seen.events.has(act), `${act} is in the story`);
      for (const stage of ["received", "written", "read-back", "done"])
        assert.ok(seen.stages.has(stage), `${stage} is in the story`);
      assert.ok(seen.envelope > 0, "the direct lane wrote over the envelope");
    });

  it("compares the state as it has become with every snapshot", async () => {
    const recording = new SiteRecording();
    const site = await VirtualSite.open({ control: "smoothing", recorder: recording.make });
    await site.run(5);
    // Of the direct lane nothing shows in a cycle, only in what the envelope remembers.
    site.command({
      asset: "cdu-3",
      action: { kind: "set-point", point: "pump-speed-setpoint", value: 70 },
    });
    await site.run(120);
    await site.close();
    const outcome = replay(recording.items());
    assert.equal(outcome.difference, undefined, outcomeLines(outcome).join("\n"));
    assert.equal(outcome.statesCompared, 2);
  });

  it("finds a cycle that came to something else, and says which point", async () => {
    const { recording } = await recordedStory("peak-cap");
    const outcome = replay(withOtherWrite(recording.all()));
    assert.equal(outcome.difference?.what, "write");
    assert.match(outcome.difference.name ?? "", /^bess-\d\/active-power-setpoint$/);
    assert.match(outcomeLines(outcome).join("\n"), /differs in write of bess-/);
  });

  it("finds another arbitration, and another state, where all writes are the same", async () => {
    const { recording } = await recordedStory("peak-cap");
    const items = recording.all();
    // The last byte of a cycle is of its digest, that of a snapshot of the time of its state.
    const arbitration = replay(withOtherEnd(items, "cycle", 30)).difference;
    assert.equal(arbitration?.what, "arbitration");
    const long = new SiteRecording(150_000);
    const site = await VirtualSite.open({ recorder: long.make });
    await site.run(30);
    await site.close();
    assert.ok(long.disk.files.size > 1);
    const state = replay(withOtherEnd(long.all(), "snapshot", 1)).difference;
    assert.equal(state?.what, "state.cycledAt");
  });

  it("believes nothing from a flipped bit on, and goes on with the next segment", async () => {
    const { recording } = await recordedStory("peak-cap");
    const [first = "", second = ""] = recording.disk.files.keys();
    assert.notEqual(second, "", "a restart began a segment");
    const place = Math.floor(recording.disk.bytesOf(first).length / 2);
    const whole = replay(recording.items());
    const outcome = replay(
      recording.items((bytes, name) => {
        if (name !== first) return bytes;
        const spoilt = Uint8Array.from(bytes);
        spoilt[place]! ^= 0x10;
        return spoilt;
      }),
    );
    assert.equal(outcome.difference, undefined);
    assert.equal(outcome.torn.length, 1);
    assert.ok(outcome.torn[0]!.at <= place, "the tear is where the record begins");
    assert.ok(outcome.cycles > 100 && outcome.cycles < whole.cycles - 100, `${outcome.cycles}`);
    assert.equal(outcome.toUtc, whole.toUtc, "the second segment is played");
    assert.match(outcomeLines(outcome)[0] ?? "", /is torn at byte \d+: \d+ bytes/);
  });

  it("reads a file that was cut anywhere up to the tear", async () => {
    const { recording } = await recordedStory("peak-cap");
    const [first = ""] = recording.disk.files.keys();
    const bytes = recording.disk.bytesOf(first);
    for (const length of [3, MAGIC.length, 1_000, bytes.length - 1, bytes.length - 400]) {
      const kinds: string[] = [];
      const records = readSegment(bytes.subarray(0, length));
      let next = records.next();
      for (; next.done !== true; next = records.next()) kinds.push(next.value.kind);
      const isWhole = length === MAGIC.length;
      assert.equal(next.value.end, isWhole ? "whole" : "torn", `${length} bytes`);
      if (next.value.end === "torn") assert.ok(next.value.at <= length);
    }
    assert.throws(() => [...readSegment(new Uint8Array(40))], /FILE_UNREADABLE/);
  });

  it("goes on when the disk is full, tells it once, and has what follows", async () => {
    const recording = new SiteRecording();
    const site = await VirtualSite.open({ recorder: recording.make });
    await site.run(4);
    recording.disk.roomBytes = 500;
    await site.run(12);
    const { isRecording, lostCycles } = recording.recorder!.figures;
    assert.equal(isRecording, false);
    assert.ok(lostCycles > 200, `${lostCycles} cycles`);
    assert.equal(site.status.units.length, 2, "control runs");
    recording.disk.roomBytes = Infinity;
    await site.run(16);
    await site.close();
    assert.deepEqual(
      recording.events.map(({ id, phase }) => `${id} ${phase}`),
      ["recorder-gap raised", "recorder-gap cleared"],
    );
    assert.match(recording.events[0]?.text ?? "", /the disk is full/);
    const outcome = replay(recording.items());
    assert.equal(outcome.difference, undefined, outcomeLines(outcome).join("\n"));
    assert.equal(outcome.gaps.length, 1);
    assert.deepEqual(outcome.torn, [], "what was half written was cut off");
    const counted = outcome.cycles + outcome.gaps[0]!.cycles;
    // The record that the disk refused was taken before anybody knew.
    assert.ok(counted >= 32 * 20 - 6, `${counted} cycles`);
  });

  it("begins one with other settings when those of a shadow come into force, and when they end", async () => {
    const recording = new SiteRecording();
    const change = (text: string): string =>
      text.replace("  stopRampMs: 1000", "  shadow:\n    peakCapKw: 23000\n  stopRampMs: 1000");
    const site = await VirtualSite.open({ recorder: recording.make, load: "full", change });
    await site.run(8);
    site.shadow({ kind: "arm", forMs: 60_000, by: "anna" });
    const action = { kind: "set-point", point: "x-shadow", value: 1 } as const;
    site.command({ asset: "gateway-control", action });
    await site.run(8);
    assert.equal(site.shadow({ kind: "report" }).isWriting, true);
    site.shadow({ kind: "disarm", by: "anna" });
    await site.run(8);
    await site.close();
    assert.equal(recording.disk.files.size, 3);
    const outcome = replay(recording.items());
    assert.equal(outcome.difference, undefined, outcomeLines(outcome).join("\n"));
    assert.deepEqual([outcome.gaps, outcome.torn, outcome.skipped], [[], [], 0]);
    assert.ok(outcome.cycles >= 24 * 20 - 20, `${outcome.cycles} cycles`);
  });

  it("begins a new segment when one is long enough, and gives up the oldest", async () => {
    const recording = new SiteRecording(200_000);
    const site = await VirtualSite.open({ recorder: recording.make });
    await site.run(60);
    await site.close();
    assert.ok(recording.disk.files.size >= 3, `${recording.disk.files.size} segments`);
    const whole = replay(recording.items());
    assert.equal(whole.difference, undefined, outcomeLines(whole).join("\n"));
    assert.equal(whole.statesCompared, recording.disk.files.size - 1);
    const [first = ""] = recording.disk.files.keys();
    recording.disk.remove(first);
    const later = replay(recording.items());
    assert.equal(later.difference, undefined);
    assert.equal(later.skipped, 0, "each segment has its own beginning");
    assert.ok(later.cycles < whole.cycles);
  });

  it("finds that a cycle is missing, because those behind it come to something else", async () => {
    const { recording } = await recordedStory("smoothing");
    const items = recording.all();
    const outcome = replay(items.filter((_item, place) => place !== 200));
    assert.ok(outcome.difference !== undefined);
    assert.ok(outcome.cycles < 250, "soon");
  });
});

/** Behind the value of a lone write: the revision of the latches and the digest. */
const BEHIND_WRITE_BYTES = 9;
const VALUE_BYTES = 8;

/** The first cycle that writes one setpoint is said to have written another one. */
function withOtherWrite(items: readonly RecordingItem[]): readonly RecordingItem[] {
  let cycles = replay(items, {
    onCycle: ({ result }) => result.writes.length !== 1,
  }).cycles;
  return items.map((item) => {
    if (item.kind !== "record" || item.record.kind !== "cycle") return item;
    cycles -= 1;
    if (cycles !== 0) return item;
    const content = Uint8Array.from(item.record.content);
    const view = new DataView(content.buffer);
    const place = content.length - BEHIND_WRITE_BYTES - VALUE_BYTES;
    view.setFloat64(place, view.getFloat64(place, true) + 1, true);
    return { ...item, record: { ...item.record, content } };
  });
}

/** The last byte of one record of a kind is another one. */
function withOtherEnd(
  items: readonly RecordingItem[],
  kind: SegmentRecord["kind"],
  which: number,
): readonly RecordingItem[] {
  let seen = 0;
  return items.map((item) => {
    if (item.kind !== "record" || item.record.kind !== kind || seen++ !== which) return item;
    const content = Uint8Array.from(item.record.content);
    content[content.length - 1]! ^= 1;
    return { ...item, record: { ...item.record, content } };
  });
}
