import { strict as assert } from "node:assert";
import { plantLine, type PointReading } from "../../src/app/demo/plant-line.ts";
import { demoScreen, PICTURE, PICTURE_MS } from "../../src/app/demo/screen.ts";
import { actAt, STORY, STORY_LENGTH_S } from "../../src/app/demo/story.ts";

const STATE = {
  periodMs: 50,
  latenessP99Ms: 0.4,
  overruns: 0,
  outboxDepth: 3,
  sent: 66_120,
  lost: 0,
  mqttPort: 18_830,
  mqttConnected: true,
  ratePerS: 60,
  samplesPerS: 1_003,
};
const TRUTH = { virtualS: 67, lossesW: 206_913, balanceError: 0.0002 };

function readings(
  values: Readonly<Record<string, number | string | boolean | null>>,
): Map<string, PointReading> {
  return new Map(
    Object.entries(values).map(([id, value]) => [
      id,
      { id, value, quality: value === null ? "bad/no-communication" : "good", ageMs: 20 },
    ]),
  );
}

function screen(
  points: Map<string, PointReading>,
  hasColour = false,
  state: Partial<Parameters<typeof demoScreen>[0]> = {},
): string[] {
  return demoScreen({
    plant: plantLine("2026-01-01T00:00:00.000Z", points, TRUTH, STATE),
    trend: { grid: [1, 2, null, 3], load: [1, 1], battery: [] },
    act: "act 4/7  ups-3 falls off the network",
    elapsedS: 67,
    events: [{ time: "12:01:01", severity: "critical", device: "ups-3", text: "is lost" }],
    hasColour,
    size: PICTURE,
    ...state,
  });
}

describe("picture of the demonstration", () => {
  const plant = readings({
    "pcc-meter/active-power": 20_010_000,
    "bess-1/active-power": 2_880_000,
    "bess-2/active-power": 2_870_000,
    "bess-1/state-of-charge": 62.4,
    "bess-2/state-of-charge": 62.4,
    "m-train/active-power": 20_000_000,
  });

  it("has 24 lines of at most 80 columns, with and without colour", () => {
    for (const hasColour of [false, true]) {
      const lines = screen(plant, hasColour);
      assert.equal(lines.length, 24);
      for (const line of lines) {
        const shown = Array.from(line.replaceAll(/\u001b\[[0-9;]*m/g, ""));
        assert.ok(shown.length <= 80, line);
      }
    }
  });

  it("shows power, charge, quality, jitter and the outbox", () => {
    const text = screen(plant).join("\n");
    assert.match(text, /grid import +20\.01/);
    assert.match(text, /battery +\+5\.75/);
    assert.match(text, /BATTERY +62\.4 %/);
    assert.match(text, /6 good +0 uncertain +0 bad/);
    assert.match(text, /p99 \+0\.4 ms +overruns 0/);
    assert.match(text, /OUTBOX +3 waiting/);
  });

  it("shows a dash for a bad value, and no sum that lacks a part", () => {
    const lost = readings({
      "pcc-meter/active-power": null,
      "bess-1/active-power": 2_880_000,
      "bess-2/active-power": null,
    });
    const text = screen(lost).join("\n");
    assert.match(text, /grid import +—/);
    assert.match(text, /battery +—/);
    assert.match(text, /DEGRADED/);
    assert.equal(text.includes("2.88 MW running"), false);
  });

  it("has room for the title of every act, also when something is wrong", () => {
    for (const { title } of STORY) {
      const [heading] = screen(readings({ "bess-1/active-power": null }), false, { act: title });
      assert.match(heading ?? "", /DEGRADED/);
      assert.ok(heading?.endsWith(title) === true, heading);
    }
  });

  it("names the device of an event once, and shows where a line was cut", () => {
    const event = { time: "12:01:01", severity: "warning", device: "ups-3" };
    const lines = (text: string): string =>
      screen(plant, true, { events: [{ ...event, text }] }).join("\n");
    assert.match(lines("ups-3 answers again"), / ups-3 answers again$/m);
    assert.match(lines("is lost"), / ups-3: is lost$/m);
    const cut = lines(`ups-3 ${"x".repeat(100)}`)
      .split("\n")
      .find((line) => line.includes("xxx"));
    assert.equal(Array.from((cut ?? "").replaceAll(/\u001b\[[0-9;]*m/g, "")).length, 80);
    assert.match(cut ?? "", /x…$/);
  });

  it("shows more events, and more of each, where the terminal has room", () => {
    const event = { time: "12:01:01", severity: "warning", device: "ups-3", text: "x".repeat(80) };
    const events = Array.from({ length: 30 }, () => event);
    const lines = screen(plant, false, { events, size: { columns: 120, rows: 40 } });
    assert.equal(lines.length, 40);
    assert.equal(lines.filter((line) => line.includes(event.text)).length, 20);
  });

  it("says that a device is silent and that nothing happened, in words", () => {
    const text = screen(plant, false, { events: [] }).join("\n");
    assert.match(text, /1 silent +2 silent +3 silent/);
    assert.match(text, /no events so far/);
  });

  it("does not come in step with a load that swings once a second", () => {
    const phases = new Set(Array.from({ length: 10 }, (_, at) => (at * PICTURE_MS) % 1_000));
    assert.equal(phases.size, 10);
  });

  it("puts a word beside every colour and none without colour", () => {
    assert.equal(screen(plant).join("").includes("\u001b"), false);
    assert.match(screen(plant, true).join("\n"), /\u001b\[31mcritical/);
  });
});

describe("story of the demonstration", () => {
  it("has acts in order that begin anew when it is over", () => {
    const starts = STORY.map(({ fromS }) => fromS);
    assert.deepEqual(
      starts,
      [...starts].sort((a, b) => a - b),
    );
    assert.equal(actAt(0)?.title, actAt(STORY_LENGTH_S)?.title);
    assert.notEqual(actAt(0)?.name, actAt(STORY_LENGTH_S)?.name);
    assert.equal(actAt(62)?.title, "act 4/7  ups-3 falls off the network");
  });

  it("repairs whatever it breaks before it begins anew", () => {
    const broken = new Set<string>();
    for (const { does } of STORY)
      for (const order of does) {
        if (order === "broker-off") broken.add("broker");
        else if (order === "broker-on") broken.delete("broker");
        else if ("device" in order && order.fault !== "none") broken.add(order.device);
        else if ("device" in order) broken.delete(order.device);
      }
    assert.deepEqual([...broken], []);
  });
});
