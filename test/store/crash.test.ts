import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Bench, isIntact, newDirectory, removeDirectories } from "./store-fixture.ts";

const CHILD = fileURLToPath(new URL("./crash/main.ts", import.meta.url));
const ROWS_PER_FRAME = 3;
const KILLS = Number(process.env["STORE_KILLS"] ?? 3);

/** Runs the child until it told `frames` more frames as stored, then kills it at once. */
async function runAndKill(directory: string, frames: number): Promise<number> {
  const args = ["--import=tsx", CHILD, directory];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let told = 0;
  let last = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Math.max(last, Number(line));
    told += 1;
    if (told === frames) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL", "it was killed in the middle of its work");
  return last;
}

describe("store after kill -9", function () {
  this.timeout(20_000 + KILLS * 4000);
  after(removeDirectories);

  it(`has every row that was told as stored, and resumes right behind (${KILLS} kills)`, async () => {
    const directory = newDirectory();
    let seed = 12_345;
    for (let kill = 0; kill < KILLS; kill += 1) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      const told = await runAndKill(directory, 1 + (seed % 150));
      const bench = new Bench({}, directory);
      assert.equal(bench.engine.opened.corrupt, undefined);
      assert.equal(bench.engine.opened.wasClosed, false);
      const mark = bench.engine.marks.resumeMark("field")?.frameNo ?? 0;
      assert.ok(mark >= told, `frame ${told} was told as stored, the mark is ${mark}`);
      const query = { limit: 5000, maxBytes: 1e9, exclude: [], beforeId: 1e12 };
      const rows = bench.engine.takeBacklog(query);
      assert.deepEqual(
        rows.map(({ seq }) => seq),
        Array.from({ length: Math.min(5000, mark * ROWS_PER_FRAME) }, (_, at) => at + 1),
        "each row once, none missing, up to the mark",
      );
      assert.ok(rows.every(isIntact));
      assert.ok(bench.engine.nextId > (rows.at(-1)?.id ?? 0));
    }
  });
});

describe("store on a disk that fails", function () {
  this.timeout(20_000);
  after(removeDirectories);

  it("ends with STORE_IO, does not try again, and keeps what it told as stored", async () => {
    const directory = newDirectory();
    // The kernel refuses every write behind 1 MiB: the disk fails in the middle of its work.
    const limited = `ulimit -f 1024; exec "$0" --import=tsx "$1" "$2"`;
    const child = spawn("bash", ["-c", limited, process.execPath, CHILD, directory], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const lines: string[] = [];
    let complaint = "";
    child.stderr.on("data", (text: Buffer) => (complaint += text.toString()));
    for await (const line of createInterface({ input: child.stdout })) lines.push(line);
    if (child.exitCode === null) await once(child, "exit");
    assert.deepEqual(
      lines.filter((line) => line.startsWith("failed")),
      ["failed STORE_IO"],
    );
    assert.match(complaint, /STORE_IO/, "whoever waited for a frame was told");
    assert.ok(child.exitCode !== 0);
    const told = Math.max(...lines.filter((line) => /^\d+$/.test(line)).map(Number));
    assert.ok(told > 10);
    const bench = new Bench({}, directory);
    assert.equal(bench.engine.opened.corrupt, undefined);
    assert.ok((bench.engine.marks.resumeMark("field")?.frameNo ?? 0) >= told);
  });
});
