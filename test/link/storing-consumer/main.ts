import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { RoundConsumer } from "../../../src/link/round-consumer.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import { TABLE } from "../link-rig.ts";

/**
 * A consumer as a process of its own, to be killed: stores every frame as one line of a file before
 * it acknowledges, and goes on where the file ends.
 * Arguments: the socket, the file.
 */
const [socketPath = "", storePath = ""] = process.argv.slice(2);

function lastStored() {
  const lines = readFileSync(storePath, "utf8").split("\n").slice(0, -1);
  const last = lines.at(-1);
  return last === undefined ? undefined : (JSON.parse(last) as { epoch: number; frameNo: number });
}

const store = openSync(storePath, "a");
const consumer = new RoundConsumer({
  socketPath,
  role: "services",
  mode: "durable",
  ...TABLE,
  clock: new SystemClock(),
  random: Math.random,
  resume: lastStored,
  onFrame: ({ epoch, frameNo, items }) => {
    const seqs = items.flatMap((item) => (item.kind === "round" ? [item.round.seq] : []));
    writeSync(store, `${JSON.stringify({ epoch, frameNo, seqs })}\n`);
    consumer.ack(epoch, frameNo);
  },
  onGap: (gap) => writeSync(store, `${JSON.stringify({ gap: gap.kind })}\n`),
  onState: () => undefined,
});
try {
  await consumer.run(new AbortController().signal);
} finally {
  closeSync(store);
}
