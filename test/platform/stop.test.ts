import { strict as assert } from "node:assert";
import { EventEmitter } from "node:events";
import { PassThrough } from "node:stream";
import { listenForStop } from "../../src/platform/stop.ts";

describe("stop", () => {
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    it(`stops on ${name}, once: the second one ends the process`, () => {
      const source = new EventEmitter();
      const { signal } = listenForStop(source);
      assert.equal(signal.aborted, false);
      source.emit(name);
      assert.equal(signal.aborted, true);
      assert.equal((signal.reason as Error).message, name);
      assert.equal(source.listenerCount("SIGTERM") + source.listenerCount("SIGINT"), 0);
    });
  }

  it("stops when the parent's end of the pipe closes or breaks", async () => {
    for (const breakIt of [
      (pipe: PassThrough) => pipe.end(),
      (pipe: PassThrough) => pipe.destroy(),
      (pipe: PassThrough) => pipe.destroy(new Error("EIO")),
    ]) {
      const pipe = new PassThrough();
      const { signal } = listenForStop(new EventEmitter(), pipe);
      pipe.write("what a parent writes does not matter");
      const stopped = new Promise((resolve) => {
        signal.addEventListener("abort", resolve);
      });
      breakIt(pipe);
      await stopped;
      assert.match((signal.reason as Error).message, /parent/);
    }
  });

  it("can be taken back", () => {
    const source = new EventEmitter();
    const pipe = new PassThrough();
    const stop = listenForStop(source, pipe);
    stop.dispose();
    source.emit("SIGTERM");
    pipe.emit("close");
    assert.equal(stop.signal.aborted, false);
  });
});
