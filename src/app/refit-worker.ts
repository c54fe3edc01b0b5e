import { parentPort } from "node:worker_threads";
import { assert } from "../domain/assert.ts";
import { answerOf, type DeskQuestion } from "./smoothing-desk.ts";

/** The thread beside the cycle. */
function main(): void {
  assert(parentPort !== null, "this is a worker thread");
  const port = parentPort;
  port.on("message", (question: DeskQuestion) => {
    port.postMessage(answerOf(question));
  });
}

main();
