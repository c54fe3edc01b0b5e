import { strict as assert } from "node:assert";
import type { DailyDesk } from "../../src/app/daily.ts";
import { type WhyAnswer, whyLines } from "../../src/app/why.ts";
import { whyFromRecording } from "../../src/app/why-recording.ts";
import { lowerCeiling, resetBox } from "../../src/control/arbitration.ts";
import type { Level } from "../../src/control/exchange.ts";
import { addToSeries } from "../../src/control/series.ts";
import type { ControlState } from "../../src/control/state.ts";
import { type Ask, type BoxTrace, traceOf } from "../../src/control/trace.ts";
import { judgeBox, unitBindingOf } from "../../src/control/trace-binding.ts";
import type { ImageView } from "../../src/points/image.ts";
import { lastWord, readingOf, readRecordedSetpoints } from "../support/arbitration-reading.ts";
import { recordedStory } from "../support/recorded-story.ts";
import { SiteRecording } from "../support/recording.ts";
import { VirtualSite } from "../support/virtual-site.ts";

const START_UTC = Date.UTC(2026, 0, 1);

describe("why", function () {
  this.timeout(180_000);

  for (const control of ["smoothing", "peak-cap"] as const)
    it(`names what binds every setpoint as an independent reading does: ${control}`, async () => {
      const { recording } = await recordedStory(control);
      const { outcome, setpoints, other, seen } = readRecordedSetpoints(recording.items());
      assert.equal(outcome.difference, undefined);
      assert.deepEqual(other.slice(0, 10), []);
      assert.ok(setpoints.length >= 500, `${setpoints.length} setpoints`);
      assert.ok(seen.has("protection") && seen.has("start") && seen.size >= 5);
    });

  it("tells the chain from the message to the measured effect, in plain words", async () => {
    const { recording, site } = await recordedStory("peak-cap");
    const step = site.steps.find(
      ({ stage, asset }) => stage === "read-back" && asset === "battery",
    );
    assert.ok(step !== undefined);
    const [answer] = whyFromRecording(recording.items(), "bess-1", step.at);
    assert.ok(answer?.kind === "unit");
    const links = answer.why.links.map(({ link }) => link);
    for (const link of ["summary", "message", "lease", "total", "limits", "share", "envelope"])
      assert.ok(links.includes(link as (typeof links)[number]), link);
    assert.deepEqual(links.slice(-3), ["write", "outcome", "effect"]);
    const text = whyLines([answer]).join("\n");
    assert.match(text, /^bess-1 was asked for -?\d+\.\d\d MW at \d\d:\d\d:\d\d\.\d{3}: /);
    assert.match(text, /cloud sent c-\d+/);
    assert.match(text, /the device took it and shows/);
    assert.match(text, /bess-1 was measured to give/);
    assert.deepEqual(JSON.parse(JSON.stringify(answer)), answer, "it is JSON as it is");
  });

  it("names the unit's own limit where it is at it, and what the cap asked beyond it", async () => {
    const open = async (change: (text: string) => string) => {
      let seen: { readonly state: ControlState; readonly view: ImageView } | undefined;
      const observe: DailyDesk["observe"] = (state, { view }) => {
        seen = { state, view };
      };
      const daily = () => ({ observe });
      const site = await VirtualSite.open({ load: "full", change, daily });
      await site.run(4);
      assert.ok(seen !== undefined);
      return { site, ...seen };
    };
    const { site: full, state, view } = await open((text) => text);
    const own = structuredClone(state);
    const [first] = own.units;
    resetBox(first!.box, -12e6, 3e6, "device-limits");
    lowerCeiling(first!.box, 2e6, "reserve");
    own.total.shares.powersW.set([2e6, 6e6]);
    addToSeries(own.writes[0]!.sent, own.cycledAt + 1, 2e6);
    const trace = traceOf(own, view);
    assert.equal(unitBindingOf(trace, 0, own.plan.units[0]!), "reserve");
    assert.equal(readingOf(trace, 0, own.plan), "reserve");
    assert.equal(unitBindingOf(trace, 1, own.plan.units[1]!), "peak-cap");
    const soc = full.told("bess-1", "state-of-charge").value;
    await full.close();
    const nearly = (text: string): string =>
      text.replace(/socReservePercent: \d+/, `socReservePercent: ${(soc - 0.2).toFixed(1)}`);
    const { site: low } = await open(nearly);
    const [answer] = low.why("bess-1");
    await low.close();
    assert.ok(answer?.kind === "unit");
    assert.equal(answer.why.binding, "reserve");
    const text = answer.why.links[0]!.text;
    assert.match(text, /the peak cap asked for \d\.\d\d MW of all, the state of charge of bess-1/);
    assert.match(text, /allows .* \(\d+\.\d %, reserve \d+\.\d %\)/);
  });

  it("tells a trip by its name, and a point of the direct lane by its command", async () => {
    const { recording, site } = await recordedStory("peak-cap");
    const trip = site.events.find(({ id, phase }) => id === "emergency-stop" && phase === "raised");
    const [stopped] = whyFromRecording(recording.items(), "bess-2", trip!.at + 200);
    assert.ok(stopped?.kind === "unit");
    assert.equal(stopped.why.binding, "protection");
    assert.match(stopped.why.links[0]!.text, /protection binds, trip emergency-stop of bess-2/);
    const [pump] = whyFromRecording(recording.items(), "cdu-3/pump-speed-setpoint", trip!.at);
    assert.ok(pump?.kind === "command", JSON.stringify(pump));
    const text = whyLines([pump]).join("\n");
    assert.match(text, /cdu-3\/pump-speed-setpoint to be 70/);
    assert.match(text, /accepted: 70 was to be written/);
    assert.match(text, /read-back says applied/);
    const unknown = whyFromRecording(recording.items(), "bess-9", trip!.at);
    assert.deepEqual(unknown, [{ kind: "nothing", reason: "the site has no bess-9" }]);
  });

  it("answers over a restart with one battery more", async () => {
    const recording = new SiteRecording();
    const one = (text: string): string => text.replace("[bess-1, bess-2]", "[bess-1]");
    for (const [change, seconds] of [
      [one, 2],
      [(text: string) => text, 4],
    ] as const) {
      const site = await VirtualSite.open({ change, load: "full", recorder: recording.make });
      await site.run(seconds);
      await site.close();
    }
    const [answer] = whyFromRecording(recording.items(), "bess-2", START_UTC + 3_000);
    assert.ok(answer?.kind === "unit");
    assert.equal(answer.why.binding, "peak-cap");
  });

  it("answers from the last seconds of the process that runs", async () => {
    const site = await VirtualSite.open({ load: "full" });
    await site.run(6);
    const [now] = site.why("bess-1");
    assert.ok(now?.kind === "unit");
    assert.equal(now.why.binding, "peak-cap");
    await site.run(3);
    const earlier = site.why("bess-1", site.clock.utcNow() - 2_000);
    assert.ok(earlier[0]?.kind === "unit");
    const tooOld: readonly WhyAnswer[] = site.why("bess-1", site.clock.utcNow() - 60_000);
    assert.equal(tooOld[0]?.kind, "nothing");
    assert.equal(site.why("battery").length, 2, "a group is all of its units");
    await site.close();
  });
});

const ask = (kind: Ask["kind"], by: Level, lowW: number, highW: number): Ask => ({
  kind,
  by,
  lowW,
  highW,
});
const boxOf = (asks: readonly Ask[]): BoxTrace => ({
  lowW: 0,
  highW: 0,
  lowBy: "schedule",
  highBy: "schedule",
  asks,
});

describe("judging a box", () => {
  const open = ask("open", "device-limits", -12, 12);
  const table: readonly [string, readonly Ask[], number, number, Level | undefined][] = [
    ["nobody objects", [open], 5, 5, undefined],
    ["the device", [open], 20, 12, "device-limits"],
    ["a floor", [open, ask("floor", "peak-cap", 7, Infinity)], 5, 7, "peak-cap"],
    ["more than is left", [open, ask("floor", "peak-cap", 16, Infinity)], 5, 12, "device-limits"],
    [
      "a name for an end",
      [open, ask("name-high", "reserve", -12, 12), ask("floor", "peak-cap", 16, Infinity)],
      5,
      12,
      "reserve",
    ],
    [
      "a stronger floor above a weaker ceiling",
      [open, ask("floor", "connection", -2, Infinity), ask("ceiling", "governor", -Infinity, -6)],
      0,
      -2,
      "connection",
    ],
  ];
  for (const [title, asks, wantedW, powerW, by] of table)
    it(`finds who has the last word: ${title}`, () => {
      const verdict = judgeBox(boxOf(asks), wantedW);
      assert.deepEqual([verdict.powerW, verdict.by], [powerW, by]);
      const second = lastWord(boxOf(asks), wantedW);
      assert.deepEqual([second.powerW, second.by], [powerW, by ?? "nobody"]);
    });

  it("says what was asked beyond", () => {
    const box = boxOf([open, ask("floor", "peak-cap", 16, Infinity)]);
    assert.deepEqual(judgeBox(box, 0).cut, { by: "peak-cap", askedW: 16 });
  });
});
