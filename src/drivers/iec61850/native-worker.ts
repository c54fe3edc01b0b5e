import { Socket } from "node:net";
import {
  type Informed,
  type Libiec61850,
  type LibraryEvents,
  loadLibiec61850,
  type Pointer,
} from "../../../native/libiec61850.ts";
import { MmsClient } from "../../../native/mms-client.ts";
import { GatewayError } from "../../domain/errors.ts";
import { NativeAssociation } from "./native-association.ts";
import {
  encodeFrame,
  encodeJsonFrame,
  FRAME,
  FrameCutter,
  type NativeFrame,
} from "./native-frames.ts";
import { ASSOCIATIONS_MAX, PIPE_FD } from "./native-terms.ts";

/** Octets that wait for the gateway; more, and the association that brings them is ended. */
const UNSENT_OCTETS_MAX = 8 * 1024 * 1024;

/**
 * The process that has libiec61850 loaded: it serves the gateway over one stream and ends with it.
 * A frame of a broken device that the library does not stand ends this process, and nothing else.
 */
class NativeProcess implements LibraryEvents {
  readonly #pipe: Socket;
  readonly #associations = new Map<number, NativeAssociation>();
  #library: Libiec61850 | undefined;

  constructor(pipe: Socket) {
    this.#pipe = pipe;
  }

  run(file: string): void {
    try {
      this.#library = loadLibiec61850(file, this);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#pipe.end(encodeJsonFrame(FRAME.unusable, 0, { reason: reasonOf(error) }));
      return;
    }
    const cutter = new FrameCutter((frame) => {
      this.#take(frame);
    });
    this.#pipe.on("data", (chunk: Uint8Array) => {
      cutter.push(chunk);
    });
    // Nothing is left to do for anybody: connections end with the process.
    this.#pipe.on("close", () => {
      process.exit(0);
    });
    this.#pipe.on("error", () => undefined);
    this.#pipe.write(encodeJsonFrame(FRAME.ready, 0, { version: this.#library.version }));
  }

  /** While this runs, the thread of the library that brought the value waits. */
  informed(from: Informed, value: Pointer): void {
    if (this.#library === undefined) return;
    // Copied now: when this returns, the value is gone.
    const octets = MmsClient.take(this.#library, value);
    this.#associations.get(from.connection)?.inform(from, octets);
  }

  lost(connection: number): void {
    this.#associations.get(connection)?.lost();
  }

  #take({ kind, association, body }: NativeFrame): void {
    if (kind === FRAME.open) {
      this.#open(association, body);
      return;
    }
    this.#associations.get(association)?.take(kind, body);
  }

  #open(id: number, body: Uint8Array): void {
    const library = this.#library;
    if (library === undefined) return;
    if (this.#associations.size >= ASSOCIATIONS_MAX) {
      const reason = `all ${ASSOCIATIONS_MAX} associations of the native engine are taken`;
      this.#pipe.write(encodeJsonFrame(FRAME.failed, id, { why: "lost", reason }));
      return;
    }
    const association = new NativeAssociation(() => new MmsClient(library, id), {
      tell: (kind, told) => this.#tell(id, kind, told),
      gone: () => {
        this.#associations.delete(id);
      },
    });
    this.#associations.set(id, association);
    void association.open(body);
  }

  /** @returns false when the gateway does not keep up */
  #tell(id: number, kind: number, body: Uint8Array): boolean {
    if (this.#pipe.writableLength > UNSENT_OCTETS_MAX && kind === FRAME.pdu) return false;
    this.#pipe.write(encodeFrame(kind, id, body));
    return true;
  }
}

function reasonOf(error: GatewayError): string {
  const { reason } = error.context;
  return typeof reason === "string" ? reason : error.message;
}

function main(): void {
  const [file] = process.argv.slice(2);
  if (file === undefined) {
    process.exitCode = 2;
    return;
  }
  new NativeProcess(new Socket({ fd: PIPE_FD })).run(file);
}

main();
