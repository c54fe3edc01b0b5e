import { strict as assert } from "node:assert";
import { CommandVerifier } from "../../src/access/verify.ts";
import { AnnouncementIntake, UNDER_WAY_MAX } from "../../src/app/announcement-intake.ts";
import { parseNotice } from "../../src/app/local-requests.ts";
import { formatUtc } from "../../src/dcpi/timestamp.ts";
import type { WorkloadAnswer, WorkloadNotice } from "../../src/domain/announcement.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { createLogger } from "../../src/platform/log.ts";
import { commandMessage } from "../support/command-message.ts";
import { SimClock } from "../support/sim-clock.ts";

const MW = 1e6;

/** Services with a control that answers as the test says. */
function start(unsigned: "allow" | "refuse" = "allow") {
  const clock = new SimClock();
  const notices: WorkloadNotice[] = [];
  const answers: { readonly topic: string; readonly body: Record<string, unknown> }[] = [];
  const control = {
    answer: async (notice: WorkloadNotice): Promise<Partial<WorkloadAnswer>> => {
      const startsAt = notice.steps[0]?.at;
      return Promise.resolve({ startsAt, leadMs: 60_000, neededMs: 50_000 });
    },
  };
  const rostered: string[] = [];
  const intake = new AnnouncementIntake({
    roster: {
      announce: ({ workload }, { steps }, now) => {
        rostered.push(`${workload} in ${((steps[0]?.at ?? now) - now) / 1_000} s`);
      },
    },
    verifier: new CommandVerifier({
      unsigned,
      facility: "hall-1",
      lease: { defaultMs: 60_000, maximumMs: 3_600_000 },
    }),
    control: {
      request: async (method, params) => {
        assert.equal(method, "announce");
        const notice = parseNotice(JSON.parse(JSON.stringify(params)));
        notices.push(notice);
        const answer = await control.answer(notice);
        return { workload: notice.workload, shiftMs: 0, leadMs: 0, neededMs: 0, ...answer };
      },
    },
    clock,
    speaker: { facility: "hall-1", gateway: "gw-1" },
    prefix: "p/",
    log: createLogger("test", "silent"),
  });
  const pipe = {
    answerWith: async (topic: string, payload: Uint8Array) => {
      const body = JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>;
      answers.push({ topic, body });
      return Promise.resolve();
    },
  };
  const inS = (seconds: number) => formatUtc(utcMs(clock.utcNow() + 1_000 * seconds));
  const say = async (workload: string, members: object = {}) => {
    const message = {
      dcpi_version: "1.0",
      message_type: "workload_announcement",
      timestamp: inS(0),
      workload_id: workload,
      power_profile: { peak_power_mw: 8, baseline_power_mw: 8, start_time_estimate: inS(60) },
      ...members,
    };
    intake.take(commandMessage(clock, "p/cmd/workload/announce", message), pipe);
    await clock.advance(0);
  };
  const said = () =>
    answers.map(({ topic, body }) => [topic, body["approval_status"], body["reason"]]);
  return { clock, intake, control, notices, answers, said, say, inS, rostered };
}

describe("announcement intake", () => {
  it("hands control a notice by its own clock, and answers the workload", async () => {
    const { clock, notices, said, say, intake } = start();
    await clock.advance(1_000);
    await say("job-1");
    assert.deepEqual(notices, [
      {
        workload: "job-1",
        powerW: undefined,
        peakW: 8 * MW,
        steps: [{ at: clock.now() + 60_000, powerW: 8 * MW }],
        slackMs: 0,
        withinMs: 2_000,
        notAfter: clock.now() + 5_000,
      },
    ]);
    assert.deepEqual(said(), [["p/rsp/job-1", "approved", undefined]]);
    assert.deepEqual(intake.counters, { approved: 1, conditional: 0, rejected: 0, repeated: 0 });
  });

  it("says under which condition, and why not", async () => {
    const { control, answers, said, say, intake, inS } = start();
    control.answer = async ({ steps }) =>
      Promise.resolve({
        startsAt: monotonicMs((steps[0]?.at ?? 0) + 30_000),
        shiftMs: 30_000,
        leadMs: 90_000,
        neededMs: 90_000,
      });
    await say("later");
    assert.deepEqual(answers[0]?.body["conditions"], { start_time: inS(90), max_power_mw: 8 });
    control.answer = async ({ steps }) =>
      Promise.resolve({ startsAt: steps[0]?.at, leadMs: 60_000, neededMs: 90_000 });
    await say("short");
    control.answer = async () =>
      Promise.resolve({ refused: "too-much-power", availableW: 5 * MW } as const);
    await say("much");
    control.answer = async () =>
      Promise.reject(new GatewayError("PEER_LOST", { socket: "x", reason: "gone" }));
    await say("alone");
    assert.deepEqual(said(), [
      ["p/rsp/later", "approved_with_conditions", "start-later"],
      ["p/rsp/short", "approved_with_conditions", "lead-too-short"],
      ["p/rsp/much", "rejected", "too-much-power"],
      ["p/rsp/alone", "rejected", "control-gone"],
    ]);
    assert.deepEqual(answers[2]?.body["suggested_alternatives"], [{ max_power_mw: 5 }]);
    assert.deepEqual(intake.counters, { approved: 0, conditional: 2, rejected: 2, repeated: 0 });
  });

  it("notes who runs here as it was put off: not who must not, but who is not smoothed", async () => {
    const { control, rostered, say } = start();
    control.answer = async () => Promise.resolve({ shiftMs: 30_000 });
    await say("later");
    control.answer = async () => Promise.resolve({ refused: "not-smoothed" } as const);
    await say("free");
    control.answer = async () => Promise.resolve({ refused: "too-much-power" } as const);
    await say("much");
    assert.deepEqual(rostered, ["later in 90 s", "free in 60 s"]);
  });

  it("answers what it can read, counts what it refuses, and bothers control with neither", async () => {
    const { notices, said, say, intake, inS } = start();
    await say("job-1", { power_profile: { peak_power_mw: 1, baseline_power_mw: 2 } });
    await say("job-2", { timestamp: inS(-31) });
    await say("no/name");
    assert.deepEqual(said(), [
      ["p/rsp/job-1", "rejected", "profile-inconsistent"],
      ["p/rsp/job-2", "rejected", "too-old"],
    ]);
    assert.deepEqual([intake.counters.rejected, notices.length], [3, 0]);
  });

  it("takes nothing unsigned where commands have to be signed", async () => {
    const { notices, answers, say, intake } = start("refuse");
    await say("job-1");
    assert.deepEqual([intake.counters.rejected, answers.length, notices.length], [1, 0, 0]);
  });

  it("refuses what was written before the workload's last word", async () => {
    const { clock, said, say, inS } = start();
    await clock.advance(20_000);
    const earlier = inS(-10);
    await say("job-1");
    await say("job-1", { timestamp: earlier });
    assert.deepEqual(said()[1], ["p/rsp/job-1", "rejected", "older-than-the-last"]);
  });

  it("lets only so many wait for control", async () => {
    const { control, said, say } = start();
    control.answer = async () => new Promise(() => undefined);
    for (let count = 0; count < UNDER_WAY_MAX; count += 1) await say(`job-${count}`);
    assert.deepEqual(said(), []);
    await say("more");
    assert.deepEqual(said(), [["p/rsp/more", "rejected", "too-many-announcements"]]);
  });

  it("tells a control that starts anew what is still to come, as it was put off", async () => {
    const { clock, control, notices, say, intake, inS } = start();
    intake.controlStarted(1);
    control.answer = async ({ steps }) =>
      Promise.resolve({ startsAt: steps[0]?.at, shiftMs: 10_000 });
    const row = (seconds: number, power_mw: number) => ({ timestamp: inS(seconds), power_mw });
    await say("job-1", {
      power_profile: {
        peak_power_mw: 8,
        baseline_power_mw: 2,
        power_schedule: [row(20, 8), row(60, 2)],
      },
    });
    await say("over");
    await clock.advance(40_000);
    const before = notices.length;
    intake.controlStarted(1);
    assert.equal(notices.length, before, "a lost link is no restart");
    intake.controlStarted(2);
    await clock.advance(0);
    const again = notices.slice(before);
    assert.deepEqual(
      again.map(({ workload, powerW, steps }) => [workload, powerW, steps]),
      [
        ["job-1", 8 * MW, [{ at: 70_000, powerW: 2 * MW }]],
        ["over", undefined, [{ at: 70_000, powerW: 8 * MW }]],
      ],
    );
    await clock.advance(40_000);
    intake.controlStarted(3);
    assert.equal(intake.counters.repeated, 2);
  });
});
