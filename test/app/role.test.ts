import { strict as assert } from "node:assert";
import { runTogether } from "../../src/app/role.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { isAborted } from "../../src/domain/time.ts";

/** A part that runs until it is told to stop, and notes that it was. */
function lasting(ended: string[], name: string) {
  return async (stop: AbortSignal): Promise<void> => {
    await new Promise<void>((resolve) => {
      stop.addEventListener("abort", () => {
        resolve();
      });
    });
    ended.push(name);
  };
}

describe("parts of a process that run together", () => {
  it("all stop when one fails, and what failed is told after the last is gone", async () => {
    const ended: string[] = [];
    const failure = new GatewayError("STORE_IO");
    await assert.rejects(
      runTogether(new AbortController().signal, async (stop) => {
        await Promise.resolve();
        return [
          lasting(ended, "links")(stop),
          Promise.reject(failure),
          lasting(ended, "cycle")(stop),
        ];
      }),
      failure,
    );
    assert.deepEqual(ended, ["links", "cycle"]);
  });

  it("tell of the first failure, not of what the stop made of the others", async () => {
    const first = new GatewayError("STORE_IO");
    await assert.rejects(
      runTogether(new AbortController().signal, async (stop) =>
        Promise.resolve([
          lasting(
            [],
            "links",
          )(stop).then(() => {
            throw new GatewayError("PEER_LOST");
          }),
          Promise.reject(first),
        ]),
      ),
      first,
    );
  });

  it("close what was opened when opening fails halfway", async () => {
    let isClosed = false;
    const failure = new GatewayError("CONFIG_INVALID");
    await assert.rejects(
      runTogether(new AbortController().signal, async (stop) => {
        stop.addEventListener("abort", () => (isClosed = true));
        await Promise.resolve();
        throw failure;
      }),
      failure,
    );
    assert.ok(isClosed);
  });

  it("end without a word when they are told to stop", async () => {
    const ended: string[] = [];
    const controller = new AbortController();
    const done = runTogether(controller.signal, async (stop) =>
      Promise.resolve([lasting(ended, "links")(stop), lasting(ended, "cycle")(stop)]),
    );
    await Promise.resolve();
    controller.abort(new Error("somebody asked for it"));
    await done;
    assert.deepEqual(ended, ["links", "cycle"]);
  });

  it("take their own waits that ended by the stop for no failure", async () => {
    const controller = new AbortController();
    const done = runTogether(controller.signal, async (stop) =>
      Promise.resolve([
        lasting(
          [],
          "wait",
        )(stop).then(() => {
          assert.ok(isAborted(stop));
          throw stop.reason;
        }),
      ]),
    );
    await Promise.resolve();
    controller.abort(new Error("somebody asked for it"));
    await done;
  });
});
