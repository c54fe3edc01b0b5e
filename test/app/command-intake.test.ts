import { strict as assert } from "node:assert";
import { CommandVerifier } from "../../src/access/verify.ts";
import { CommandIntake } from "../../src/app/command-intake.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { parseSite } from "../../src/config/load.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import { formatUtc } from "../../src/dcpi/timestamp.ts";
import type { Command, CommandStep } from "../../src/domain/command.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import { type CommandMessage, CommandQueue } from "../../src/northbound/command-gate.ts";
import { createLogger } from "../../src/platform/log.ts";
import { commandMessage } from "../support/command-message.ts";
import { SimClock } from "../support/sim-clock.ts";

const PREFIX = "dcpi/v1/my-site/gw-1/";

/** Services that stores in memory, and a control that takes whatever comes. */
function start(clock = new SimClock()) {
  const parsed = parseSite(SAMPLE_SITE);
  assert.ok("site" in parsed);
  const open = new Map<string, CommandStep | undefined>();
  const commands: Command[] = [];
  const answers: CommandStep[] = [];
  const control = { epoch: 1 };
  const queue = new CommandQueue(() => undefined);
  const statuses: CommandMessage[] = [];
  const intake = new CommandIntake({
    context: contextOf(parsed.site, "/etc/site.yaml"),
    queue,
    verifier: new CommandVerifier({
      unsigned: "allow",
      facility: "my-site",
      lease: { defaultMs: 60_000, maximumMs: 3_600_000 },
    }),
    store: {
      openCommands: async () =>
        Promise.resolve([...open].map(([commandId, lastStep]) => ({ commandId, lastStep }))),
      recordStep: async (step) => {
        if (step.final) open.delete(step.commandId);
        return Promise.resolve();
      },
      journalCommand: async ({ commandId }) => {
        open.set(commandId, undefined);
        return Promise.resolve("fresh" as const);
      },
      consumerAck: () => undefined,
      resend: async () => Promise.resolve(0),
    },
    control: {
      request: async (_method, command) => {
        commands.push(command as Command);
        return Promise.resolve({ taken: true, epoch: control.epoch });
      },
    },
    announcements: { take: () => undefined, controlStarted: () => undefined },
    sheds: { takeStatus: (message) => statuses.push(message) },
    clock,
    speaker: { facility: "my-site", gateway: "gw-1" },
    prefix: PREFIX,
    log: createLogger("test", "silent"),
  });
  const pipe = {
    answer: async (step: CommandStep) => {
      answers.push(step);
      return Promise.resolve();
    },
    answerWith: async () => Promise.resolve(),
  };
  const stop = new AbortController();
  const running = intake.run(pipe, stop.signal);
  const ask = async (id: string) => {
    await tell("cmd/battery/control", {
      PSWD_version: "1.0",
      command_id: id,
      command_type: "discharge",
      timestamp: formatUtc(clock.utcNow()),
      target_power_mw: 1,
    });
  };
  const tell = async (topic: string, message: object) => {
    queue.offer(commandMessage(clock, PREFIX + topic, message));
    await clock.advance(0);
  };
  const end = async () => {
    stop.abort();
    await running;
  };
  return { intake, pipe, ask, tell, end, commands, answers, control, clock, statuses };
}

describe("command intake", () => {
  it("asks a reduction of the import of the grid connection, by its own clock", async () => {
    const { tell, end, commands, clock } = start();
    await clock.advance(1_000);
    await tell("cmd/grid/demand-response", {
      dcpi_version: "1.0",
      message_type: "demand_response_request",
      timestamp: formatUtc(clock.utcNow()),
      event_id: "dr-1",
      event_type: "load_reduction",
      start_time: formatUtc(utcMs(clock.utcNow() + 90_000)),
      duration_hours: 0.5,
      target_reduction_mw: 2,
    });
    const [command] = commands;
    assert.deepEqual(
      [command?.id, command?.asset, command?.leaseMs, command?.priority],
      ["dr-1", "grid-meter", 1_800_000, 4],
    );
    const startsAt = monotonicMs(clock.now() + 90_000);
    assert.deepEqual(command?.action, { kind: "reduce-import", reductionW: 2e6, startsAt });
    await end();
  });

  it("hands on what a workload says of its state, and answers nothing to it", async () => {
    const { tell, end, commands, answers, statuses, intake } = start();
    await tell("cmd/workload/status", { workload_id: "job-1" });
    assert.deepEqual(
      [statuses.map(({ topic }) => topic), commands.length, answers.length, intake.refused],
      [[`${PREFIX}cmd/workload/status`], 0, 0, 0],
    );
    await end();
  });

  it("ends a kind of event that it cannot do, and hands nothing over", async () => {
    const { tell, end, commands, answers, clock } = start();
    await tell("cmd/grid/demand-response", {
      dcpi_version: "1.0",
      message_type: "demand_response_request",
      timestamp: formatUtc(clock.utcNow()),
      event_id: "dr-2",
      event_type: "load_increase",
      duration_hours: 0.5,
      target_reduction_mw: 2,
    });
    assert.deepEqual(
      answers.map(({ commandId, stage, reason, asset }) => [commandId, stage, reason, asset]),
      [["dr-2", "refused", "not-supported", "grid-meter"]],
    );
    assert.deepEqual(commands, []);
    await end();
  });

  it("ends as unknown what a former run of control took, and nothing else", async () => {
    const { intake, pipe, ask, end, answers, control } = start();
    await intake.controlStarted(1, pipe);
    await ask("taken-before");
    control.epoch = 2;
    await ask("taken-by-the-new-one");
    await intake.controlStarted(2, pipe);
    assert.deepEqual(
      answers.map(({ commandId, stage, reason, final }) => [commandId, stage, reason, final]),
      [["taken-before", "unknown", "control-restarted", true]],
    );
    await intake.controlStarted(2, pipe);
    assert.equal(answers.length, 1, "a lost link is no restart");
    await end();
  });

  it("goes on with higher sequences when its clock was set back between two runs", async () => {
    const day = 24 * 3_600_000;
    const before = start(new SimClock(Date.UTC(2026, 0, 2)));
    await before.clock.advance(1_000.5);
    const first = start(before.clock);
    await first.ask("first");
    await first.end();
    const late = new SimClock(Date.UTC(2026, 0, 2) - day);
    await late.advance(60_000);
    const second = start(late);
    await second.ask("second");
    await second.end();
    await before.end();
    const [one, two] = [first.commands[0]?.sequence, second.commands[0]?.sequence];
    assert.ok(Number.isInteger(one) && Number.isInteger(two), `${one} ${two}`);
    assert.ok(one! < two!, `${one} ${two}`);
  });
});
