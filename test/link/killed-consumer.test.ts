import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../support/until.ts";
import { socketDirectory, startProducer } from "./link-rig.ts";
import { makeRound } from "./round-builders.ts";

const MAIN = "test/link/storing-consumer/main.ts";
const KILLS = 3;

describe("rounds link under kill -9", function () {
  this.timeout(120_000);

  it("loses no round and stores none twice, however often the consumer is killed", async () => {
    const directory = socketDirectory();
    const socketPath = join(directory.path, "rounds");
    const storePath = join(directory.path, "store");
    writeFileSync(storePath, "");
    const { producer, stop } = await startProducer(socketPath);
    let seq = 0;
    const posting = setInterval(() => {
      producer.postRound(makeRound(1, ++seq, 0, [seq]));
    }, 10);
    let child: ChildProcess | undefined;
    try {
      for (let kill = 0; kill <= KILLS; kill++) {
        child = spawn(process.execPath, ["--import", "tsx", MAIN, socketPath, storePath], {
          stdio: ["ignore", "ignore", "inherit"],
        });
        const sizeBefore = statSync(storePath).size;
        const stored = () => statSync(storePath).size > sizeBefore + 1_000;
        await until(stored, "the child stores", 30_000);
        if (kill === KILLS) break;
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      clearInterval(posting);
      producer.flush();
      await until(() => producer.counters().ringFrames === 0, "everything is stored", 30_000);
    } finally {
      clearInterval(posting);
      child?.kill("SIGKILL");
      await stop();
    }
    const lines = readFileSync(storePath, "utf8").trim().split("\n");
    const frames = lines.map((line) => JSON.parse(line) as { frameNo: number; seqs: number[] });
    assert.deepEqual(
      frames.map(({ frameNo }) => frameNo),
      frames.map((_, at) => at + 1),
    );
    assert.deepEqual(
      frames.flatMap(({ seqs }) => seqs),
      Array.from({ length: seq }, (_, at) => at + 1),
    );
    directory.remove();
  });
});
