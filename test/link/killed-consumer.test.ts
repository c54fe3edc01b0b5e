import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, socketDirectory, startProducer } from "./link-rig.ts";
import { makeRound } from "./round-builders.ts";

const MAIN = fileURLToPath(new URL("storing-consumer/main.ts", import.meta.url));
const KILLS = 4;

describe("rounds link under kill -9", function () {
  this.timeout(60_000);

  it("loses no round and stores none twice, however often the consumer is killed", async () => {
    const directory = socketDirectory();
    const socketPath = join(directory.path, "rounds");
    const storePath = join(directory.path, "store");
    writeFileSync(storePath, "");
    const { producer, stop } = await startProducer(socketPath);
    let seq = 0;
    const posting = setInterval(() => {
      producer.postRound(makeRound(1, ++seq, 0, [seq]));
    }, 2);
    let child: ChildProcess | undefined;
    try {
      for (let kill = 0; kill <= KILLS; kill++) {
        child = spawn(process.execPath, ["--import", "tsx", MAIN, socketPath, storePath], {
          stdio: ["ignore", "ignore", "inherit"],
        });
        const sizeBefore = statSync(storePath).size;
        const stored = () => statSync(storePath).size > sizeBefore + 2_000;
        for (let wait = 0; wait < 5 && !stored(); wait++) {
          await eventually(stored, "a child stores").catch(() => undefined);
        }
        assert.ok(stored(), "the child stores");
        if (kill === KILLS) break;
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      clearInterval(posting);
      producer.flush();
      await eventually(() => producer.counters().ringFrames === 0, "everything is stored");
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
