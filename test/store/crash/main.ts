/**
 * A process for the tests to kill: appends frames as fast as it can and tells, line by line, which
 * of them are stored, and why it ended if it ended by itself. Argument: the directory.
 */
import { Store } from "../../../src/store/store.ts";
import { realClock, row } from "../store-fixture.ts";

const ROWS_PER_FRAME = 3;
const [, , directory] = process.argv;
if (directory === undefined) throw new Error("give the directory of the store");

const store = await Store.open({
  directory,
  clock: realClock,
  report: (report) => {
    if (report.kind === "failed") process.stdout.write(`failed ${report.error.code}\n`);
  },
  limits: { commitEveryMs: 2 },
});
const first = store.resume("field")?.frameNo ?? 0;
for (let frameNo = first + 1; ; frameNo += 1) {
  const rows = Array.from({ length: ROWS_PER_FRAME }, (_, at) => {
    const seq = (frameNo - 1) * ROWS_PER_FRAME + at + 1;
    return row({ id: store.nextId(), seq, bytes: 500 });
  });
  const stored = store.appendFrame({ producer: "field", epoch: 1, frameNo, rows });
  const told = stored.then(() => process.stdout.write(`${frameNo}\n`));
  if (frameNo % 20 === 0) await told;
}
