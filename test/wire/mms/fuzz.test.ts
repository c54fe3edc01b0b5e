import assert from "node:assert/strict";
import { exercise } from "./fuzz-stack.ts";
import { allFrames, TransportReceiver } from "./recorded-frames.ts";
import { WireError } from "../../../src/wire/mms/wire-error.ts";

const seed = Number(process.env["SIM_SEED"] ?? 61_850);
const frameCount = Number(process.env["FUZZ_FRAMES"] ?? 200_000);
/** Time of the processor for 200,000 frames; the machine may have other things to do meanwhile. */
const BUDGET_MS = 60_000;
const RSS_GROWTH_MAX = 20 * 1024 * 1024;

type Random = () => number;

/** Mulberry32: the same seed gives the same run. */
function random(start: number): Random {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const TELLING = [
  0x00, 0x01, 0x1f, 0x30, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x85, 0xa0, 0xa2, 0xbf, 0xff,
];

/** A frame with octets changed, lost, added or repeated; mostly with a length that still fits. */
function mutated(original: Uint8Array, next: Random): Uint8Array {
  const pick = (below: number): number => Math.floor(next() * below);
  let frame = original.slice();
  const how = next();
  if (how < 0.05 && frame.length > 12) frame = frame.slice(0, 8 + pick(frame.length - 8));
  else if (how < 0.1) {
    const at = 7 + pick(frame.length - 7);
    const from = 7 + pick(frame.length - 7);
    const piece = frame.slice(from, from + 1 + pick(16));
    frame = new Uint8Array(Buffer.concat([frame.subarray(0, at), piece, frame.subarray(at)]));
  } else if (how < 0.15 && frame.length > 24) {
    const at = 7 + pick(frame.length - 16);
    frame = new Uint8Array(
      Buffer.concat([frame.subarray(0, at), frame.subarray(at + 1 + pick(8))]),
    );
  }
  const changes = next() < 0.05 ? 8 : 1 + Math.floor(pick(4) / 3);
  for (let i = 0; i < changes; i++) {
    const at = 7 + pick(Math.max(1, frame.length - 7));
    const way = next();
    if (way < 0.4) frame[at] = (frame[at] ?? 0) ^ (1 << pick(8));
    else frame[at] = way < 0.7 ? TELLING[pick(TELLING.length)]! : pick(256);
  }
  if (next() < 0.997) {
    frame[2] = frame.length >>> 8;
    frame[3] = frame.length & 0xff;
  } else frame[pick(7)] = pick(256);
  return frame;
}

interface Tally {
  refused: number;
  decoded: number;
  reencoded: number;
  faults: Map<string, number>;
  byteByByte: number;
  coalesced: number;
}

/** Delivers octets to an association; a refusal ends it and a new one begins. */
function deliver(receiver: TransportReceiver, chunk: Uint8Array, tally: Tally): TransportReceiver {
  try {
    receiver.push(chunk, (arrival) => {
      if (exercise(arrival)) tally.reencoded++;
      tally.decoded++;
    });
    return receiver;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    tally.refused++;
    tally.faults.set(error.fault, (tally.faults.get(error.fault) ?? 0) + 1);
    return new TransportReceiver();
  }
}

describe("mutated frames through the whole stack", function () {
  this.timeout(Math.max(1, frameCount / 200_000) * BUDGET_MS * 4);

  it(`leave nothing but typed refusals (SIM_SEED=${seed} FUZZ_FRAMES=${frameCount})`, () => {
    const next = random(seed);
    const frames = allFrames().map(({ bytes }) => bytes);
    // The two largest directories are a tenth of the frames and nine tenths of the octets.
    const short = frames.filter(({ length }) => length < 2500);
    const tally: Tally = {
      refused: 0,
      decoded: 0,
      reencoded: 0,
      faults: new Map(),
      byteByByte: 0,
      coalesced: 0,
    };
    let receiver = new TransportReceiver();
    let rssBefore = 0;
    let largestCapacity = 0;
    const before = process.cpuUsage();
    for (let done = 0; done < frameCount;) {
      const from = next() < 0.01 ? frames : short;
      const one = (): Uint8Array => {
        done++;
        const original = from[Math.floor(next() * from.length)]!;
        return next() < 0.02 ? original : mutated(original, next);
      };
      const way = next();
      if (way < 0.05) {
        tally.byteByByte++;
        for (const octet of one()) receiver = deliver(receiver, Uint8Array.of(octet), tally);
      } else if (way < 0.15) {
        tally.coalesced++;
        receiver = deliver(receiver, new Uint8Array(Buffer.concat([one(), one(), one()])), tally);
      } else receiver = deliver(receiver, one(), tally);
      largestCapacity = Math.max(
        largestCapacity,
        receiver.framer.capacity + receiver.assembler.capacity,
      );
      // The first tenth fills what the machine keeps anyway: code, young generation.
      if (rssBefore === 0 && done > frameCount / 10) rssBefore = process.memoryUsage.rss();
    }
    const { user, system } = process.cpuUsage(before);
    const spentMs = (user + system) / 1000;
    const grown = process.memoryUsage.rss() - rssBefore;
    const faults = [...tally.faults].toSorted(([, a], [, b]) => b - a);
    const line = [
      `${frameCount} frames in ${spentMs.toFixed(0)} ms of the processor`,
      `${tally.refused} refused, ${tally.decoded} taken, ${tally.reencoded} written again`,
      `${tally.byteByByte} octet by octet, ${tally.coalesced} joined`,
      `RSS ${(grown / 1_048_576).toFixed(1)} MB, buffers ${largestCapacity} octets`,
    ].join("; ");
    process.stdout.write(
      `      ${line}\n      ${faults.map(([k, v]) => `${k} ${v}`).join(", ")}\n`,
    );
    assert.ok(tally.refused > frameCount / 4, "the mutations are felt");
    assert.ok(tally.decoded > frameCount / 20, "not everything is refused at the door");
    assert.ok(faults.length > 20, "every layer refuses something");
    assert.ok(largestCapacity <= 65_535 + 66_024);
    assert.ok(spentMs < Math.max(1, frameCount / 200_000) * BUDGET_MS);
    assert.ok(grown < RSS_GROWTH_MAX, `${grown} octets`);
  });
});
