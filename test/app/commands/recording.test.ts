import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { daily } from "../../../src/app/commands/daily.ts";
import { replayRecording } from "../../../src/app/commands/replay.ts";
import { why } from "../../../src/app/commands/why.ts";
import type { DailyReport } from "../../../src/app/daily-account.ts";
import type { ReplayOutcome } from "../../../src/app/replay.ts";
import type { CommandCall, ExitStatus } from "../../../src/app/terminal.ts";
import type { WhyAnswer } from "../../../src/app/why.ts";
import { SAMPLE_SITE } from "../../../src/config/sample.ts";
import { type Answer, RequestServer } from "../../../src/link/request-server.ts";
import { socketPath } from "../../../src/link/socket-paths.ts";
import { recordedStory } from "../../support/recorded-story.ts";
import { runCommandHere } from "../../support/command-run.ts";

const START_UTC = Date.UTC(2026, 0, 1);
const timeAt = (second: number): string => new Date(START_UTC + second * 1_000).toISOString();

describe("commands over a recording", function () {
  this.timeout(120_000);
  let folder: string;
  let out: string[];
  let err: string[];
  let stop: AbortController;

  before(async function () {
    this.timeout(120_000);
    await recordedStory("peak-cap");
  });
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "recording-"));
    writeFileSync(path.join(folder, "site.yaml"), `runtimeDirectory: run\n${SAMPLE_SITE}`);
    const { recording } = await recordedStory("peak-cap");
    mkdirSync(path.join(folder, "data/control/recorder"), { recursive: true });
    for (const name of recording.disk.files.keys())
      writeFileSync(path.join(folder, "data/control/recorder", name), recording.disk.bytesOf(name));
    out = [];
    err = [];
    stop = new AbortController();
  });
  afterEach(() => {
    stop.abort();
    rmSync(folder, { recursive: true });
  });

  const place = (): string => path.join(folder, "data/control/recorder");

  async function run(
    command: (call: CommandCall) => Promise<ExitStatus>,
    words: readonly string[],
    options: CommandCall["options"] = {},
  ): Promise<ExitStatus> {
    const call = { positionals: words, options, signal: stop.signal };
    return runCommandHere(command, call, { out, err });
  }

  const site = (): { config: string } => ({ config: path.join(folder, "site.yaml") });

  it("replays a folder, a file, and what the site file names: 0", async () => {
    assert.equal(await run(replayRecording, [place()]), 0);
    assert.match(out.at(-1) ?? "", /^\d{3} cycles bit-exact, 2026-01-01T00:00:00/);
    const first = Number.parseInt(out.at(-1) ?? "", 10);
    assert.equal(await run(replayRecording, [], site()), 0);
    assert.equal(out.at(-1), out.at(-2));
    const file = path.join(place(), "flight-00000001.dcpr");
    assert.equal(await run(replayRecording, [file]), 0);
    assert.ok(Number.parseInt(out.at(-1) ?? "", 10) < first);
  });

  it("replays a part of it", async () => {
    const part = { from: timeAt(10), to: timeAt(12), json: true };
    assert.equal(await run(replayRecording, [place()], part), 0);
    const lines = out.map((line) => JSON.parse(line) as { readonly utc?: string });
    const outcome = lines.pop() as unknown as ReplayOutcome;
    assert.equal(outcome.difference, undefined);
    assert.equal(lines.length, 41, "from the one to the other, both included");
    assert.equal(lines[0]?.utc, timeAt(10));
    assert.equal(lines.at(-1)?.utc, timeAt(12));
    await assert.rejects(run(replayRecording, [place()], { from: "noon" }), /--from/);
  });

  it("says what it cannot read: 2", async () => {
    assert.equal(await run(replayRecording, []), 2);
    await assert.rejects(run(replayRecording, [path.join(folder, "nowhere")]), /FILE_UNREADABLE/);
    await assert.rejects(run(replayRecording, [folder]), /no recording is in it/);
    await assert.rejects(run(replayRecording, [site().config]), /no recording of this gateway/);
  });

  it("tells why of a time that is past from the recording, with control dead", async () => {
    const options = { ...site(), at: timeAt(8) };
    assert.equal(await run(why, ["bess-1"], options), 0, err.join("\n"));
    assert.match(out[0] ?? "", /^bess-1 was asked for .* at 00:00:0[78]\./);
    assert.ok(out.some((line) => line.startsWith("  effect")));
    out = [];
    assert.equal(await run(why, ["bess-1"], { recording: place(), json: true }), 0);
    const [answer] = JSON.parse(out[0] ?? "") as WhyAnswer[];
    assert.equal(answer?.kind, "unit");
    assert.equal(await run(why, ["bess-7"], options), 1);
    assert.equal(await run(why, [], options), 2);
  });

  it("asks the process that runs, where there is one", async () => {
    const asked: unknown[] = [];
    const answers: readonly WhyAnswer[] = [
      {
        kind: "unit",
        why: {
          asset: "bess-1",
          binding: "peak-cap",
          setpointW: 1,
          links: [{ link: "summary", text: "because" }],
        },
      },
    ];
    const report = { date: "2026-11-21", line: "a day" } as DailyReport;
    const server = new RequestServer({
      socketPath: socketPath(path.join(folder, "run"), "control/local"),
      methods: new Map<string, Answer>([
        [
          "why",
          async ({ params }) => {
            asked.push(params);
            return Promise.resolve(answers);
          },
        ],
        [
          "daily",
          async ({ params }) =>
            Promise.resolve((params as { date?: string }).date === undefined ? report : null),
        ],
      ]),
    });
    await server.listen(stop.signal);
    assert.equal(await run(why, ["bess-1"], { ...site(), at: timeAt(1) }), 0);
    assert.deepEqual(asked, [{ asked: "bess-1", atUtc: START_UTC + 1_000 }]);
    assert.deepEqual(out, ["because"]);
    assert.equal(await run(daily, [], site()), 0);
    assert.equal(out.at(-1), "a day");
    assert.equal(await run(daily, [], { ...site(), date: "1999-01-01" }), 1);
    assert.equal(await run(daily, [], { ...site(), date: "today" }), 2);
  });

  it("tells a day that is over from the file, with control dead", async () => {
    const day = { date: "2026-11-20", line: "the day before" };
    const file = path.join(folder, "data/control/daily.json");
    writeFileSync(file, JSON.stringify({ days: [day] }));
    assert.equal(await run(daily, [], { ...site(), date: "2026-11-20" }), 0);
    assert.deepEqual(out, ["the day before"]);
    assert.equal(await run(daily, [], site()), 3);
  });
});
