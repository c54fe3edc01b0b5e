import { mkdtempSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GatewayError } from "../../src/domain/errors.ts";
import { streamId } from "../../src/domain/point.ts";
import {
  type FramePlace,
  type LinkGap,
  type LinkState,
  type ReceivedFrame,
  RoundConsumer,
  type RoundConsumerOptions,
} from "../../src/link/round-consumer.ts";
import { RoundProducer, type RoundProducerOptions } from "../../src/link/round-producer.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { kept } from "./round-builders.ts";

export const TABLE = { tableHash: "table-1", tableSize: 100 } as const;

/** A directory for sockets; `remove` when done. */
export function socketDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "link-"));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** A producer whose coalescing the test controls: it flushes when the test says so. */
export async function startProducer(
  socketPath: string,
  options: Partial<RoundProducerOptions> = {},
) {
  const producer = new RoundProducer({
    socketPath,
    role: "field",
    epoch: 7,
    ...TABLE,
    clock: new SystemClock(),
    ...options,
    limits: { coalesceMs: 1, drainMs: 50, ...options.limits },
  });
  const controller = new AbortController();
  await producer.listen(controller.signal);
  return {
    producer,
    stop: async () => {
      controller.abort();
      await producer.closed();
    },
  };
}

/** A consumer that notes what it gets, and stores and acknowledges when the test says so. */
export function startConsumer(socketPath: string, options: Partial<RoundConsumerOptions> = {}) {
  const frames: ReceivedFrame[] = [];
  const gaps: LinkGap[] = [];
  const states: LinkState[] = [];
  const controller = new AbortController();
  const consumer: RoundConsumer = new RoundConsumer({
    socketPath,
    role: "services",
    mode: "durable",
    ...TABLE,
    clock: new SystemClock(),
    random: () => 0,
    resume: (): FramePlace | undefined => undefined,
    onFrame: (frame) => frames.push(copyOf(frame)),
    onGap: (gap) => gaps.push(gap),
    onState: (state) => states.push(state),
    ...options,
  });
  const done = consumer.run(controller.signal);
  done.catch(() => undefined);
  return {
    consumer,
    frames,
    gaps,
    states,
    done,
    stop: async () => {
      controller.abort();
      await done;
    },
    /** Sequence numbers of stream 1 in frames, images left out. */
    seqs: () =>
      frames
        .filter(({ type }) => type === "frame")
        .flatMap(({ items }) =>
          items.flatMap((item) =>
            item.kind === "round" && item.round.stream === streamId(1) ? [item.round.seq] : [],
          ),
        ),
    isConnected: () => states.at(-1)?.state === "connected",
    lastError: (): GatewayError | undefined => {
      const last = states.at(-1);
      return last?.state === "lost" ? last.error : undefined;
    },
  };
}

function copyOf(frame: ReceivedFrame): ReceivedFrame {
  const items = frame.items.map((item) =>
    item.kind === "round" ? { kind: "round", round: kept(item.round) } : item,
  );
  return { ...frame, items } as ReceivedFrame;
}

/** A peer that keeps no rules. */
export function rawPeer(socketPath: string): { socket: Socket; isClosed: () => boolean } {
  const socket = createConnection(socketPath);
  let isClosed = false;
  socket.on("error", () => undefined);
  socket.on("close", () => (isClosed = true));
  socket.resume();
  return { socket, isClosed: () => isClosed };
}
