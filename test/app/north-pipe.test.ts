import { strict as assert } from "node:assert";
import type { PlantEvent } from "../../src/domain/event.ts";
import { utcMs } from "../../src/domain/time.ts";
import { NorthPipe, type NorthPipeParts } from "../../src/app/north-pipe.ts";
import type { ReceivedFrame } from "../../src/link/round-consumer.ts";
import { Store } from "../../src/store/store.ts";
import { newDirectory, realClock, removeDirectories } from "../store/store-fixture.ts";

const EPOCH = 7;

function event(id: string): PlantEvent {
  const at = utcMs(1_000);
  const [device, point] = [undefined, undefined];
  return { id, severity: "critical", phase: "once", device, point, text: id, at };
}

function frameOf(frameNo: number, ids: readonly string[]): ReceivedFrame {
  const items = ids.map((id) => ({ kind: "event", event: event(id) }));
  return { producer: "control", epoch: EPOCH, frameNo, items } as unknown as ReceivedFrame;
}

function pipeOf(store: Store): NorthPipe {
  return new NorthPipe({
    context: { table: { devices: [] } },
    store,
    publisher: { publishRow: () => undefined },
    clock: realClock,
    speaker: { facility: "f", gateway: "g" },
    prefix: "dcpi/v1/f/g/",
    ackOf: () => ({ topic: "ack", payload: new Uint8Array(2) }),
  } as unknown as NorthPipeParts);
}

describe("north pipe", function () {
  this.timeout(20_000);
  after(removeDirectories);

  it("keeps numbering a producer's events where the stored ones end", async () => {
    const directory = newDirectory();
    const open = async () => Store.open({ directory, clock: realClock, report: () => undefined });
    const first = await open();
    await pipeOf(first).take(frameOf(1, ["a", "b"]));
    await first.close();
    const second = await open();
    await pipeOf(second).take(frameOf(2, ["c"]));
    await second.close();
    const third = await open();
    const marks = third.streamMarks.filter(({ stream }) => stream === "events-control");
    await third.close();
    assert.deepEqual(
      marks.map(({ epoch, seq }) => [epoch, seq]),
      [[EPOCH, 3]],
    );
  });

  it("gives the numbers of a refused frame to the frame that comes again", async () => {
    const seqs: number[][] = [];
    let isBusy = true;
    const store = {
      streamMarks: [],
      nextId: () => 1,
      appendFrame: async ({ rows }: { rows: readonly { seq: number }[] }) => {
        seqs.push(rows.map(({ seq }) => seq));
        return isBusy ? Promise.reject(new Error("busy")) : Promise.resolve();
      },
    } as unknown as Store;
    const pipe = pipeOf(store);
    const refused = [pipe.take(frameOf(1, ["a", "b"])), pipe.take(frameOf(2, ["c"]))];
    await Promise.allSettled(refused);
    isBusy = false;
    await pipe.take(frameOf(1, ["a", "b"]));
    assert.deepEqual(seqs, [[1, 2], [3], [1, 2]]);
  });

  it("has the steps of commands on disk with their frame, not a commit later", () => {
    const asked: string[] = [];
    const store = {
      streamMarks: [],
      nextId: () => 1,
      appendFrame: async () => {
        asked.push("frame");
        return new Promise<void>(() => undefined);
      },
      recordStep: async ({ stage }: { stage: string }) => {
        asked.push(stage);
        return new Promise<void>(() => undefined);
      },
    } as unknown as Store;
    const items = ["written", "done"].map((stage) => ({
      kind: "step",
      step: { commandId: "c", stage, at: utcMs(1) },
    }));
    const frame = { producer: "control", epoch: EPOCH, frameNo: 1, items };
    void pipeOf(store).take(frame as unknown as ReceivedFrame);
    assert.deepEqual(asked, ["written", "done", "frame"]);
  });
});
