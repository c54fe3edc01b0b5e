import { readFileSync } from "node:fs";
import { decodeTpdu, TsduAssembler, type Tpdu } from "../../../src/wire/mms/cotp.ts";
import { TpktFramer } from "../../../src/wire/mms/tpkt.ts";

/** One recorded TPKT frame. */
export interface RecordedFrame {
  readonly step: string;
  readonly number: number;
  readonly toServer: boolean;
  readonly bytes: Uint8Array;
}

export const RECORDINGS = ["association", "directory", "read-write", "control", "report"] as const;

export function recordedFrames(recording: (typeof RECORDINGS)[number]): readonly RecordedFrame[] {
  return lines(`${recording}.frames`).map((line) => {
    const [step = "", number, direction, digits = ""] = line.split(" ");
    return {
      step,
      number: Number(number),
      toServer: direction === ">",
      bytes: octets(digits),
    };
  });
}

export function allFrames(): readonly RecordedFrame[] {
  return RECORDINGS.flatMap(recordedFrames);
}

/** Names as another client library read them: `kind` v variable, d data set, m member of one. */
export function objectTree(): readonly (readonly string[])[] {
  return lines("object-tree.txt").map((line) => line.split(" "));
}

function lines(file: string): readonly string[] {
  return readFileSync(`test/vectors/mms/${file}`, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

export function octets(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replaceAll(" ", ""), "hex"));
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

const TSDU_OCTETS_MAX = 66_024;

/** What arrives above the transport: TPDUs of the connection, and whole TSDUs. */
export type Arrival = Exclude<Tpdu, { type: "data" }> | { type: "tsdu"; tsdu: Uint8Array };

/** The transport's receiving half of one direction. */
export class TransportReceiver {
  readonly framer = new TpktFramer();
  readonly assembler = new TsduAssembler(TSDU_OCTETS_MAX);

  push(chunk: Uint8Array, take: (arrival: Arrival) => void): void {
    this.framer.push(chunk, (bytes) => {
      const tpdu = decodeTpdu(bytes);
      if (tpdu.type !== "data") {
        take(tpdu);
        return;
      }
      const tsdu = this.assembler.push(tpdu);
      if (tsdu !== undefined) take({ type: "tsdu", tsdu });
    });
  }
}
