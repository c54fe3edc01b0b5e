import type { Socket } from "node:net";
import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import {
  decodeTpdu,
  encodeTpdu,
  segmentTsdu,
  type Tpdu,
  TPDU_OCTETS_DEFAULT,
  TsduAssembler,
} from "../../wire/mms/cotp.ts";
import { encodeTpkt, TpktFramer } from "../../wire/mms/tpkt.ts";
import type { WheelTimer } from "../wheel.ts";
import type { TimerWheel } from "../wheel.ts";
import type { Dialled } from "./socket.ts";
import { ENDED_IN_TLS, tlsRefusal } from "./tls-refusal.ts";

/** The largest that class 0 can say. */
const TPDU_OCTETS = 8_192;
const TPDU_OCTETS_MIN = 128;
const OUR_REFERENCE = 1;
/** Octets that wait for a device that does not take them; more, and it is taken for gone. */
const UNSENT_OCTETS_MAX = 1024 * 1024;

export interface TransportTerms {
  readonly facts: { readonly host: string; readonly port: number };
  readonly calling: Uint8Array;
  readonly called: Uint8Array;
  /** Largest TSDU that is taken, octets. */
  readonly tsduOctets: number;
  readonly connectTimeoutMs: number;
  readonly wheel: TimerWheel;
}

/** Who uses a transport. Neither throws. */
export interface TransportUser {
  /**
   * A whole TSDU, a view that is valid until this returns.
   * @throws WireError when the transport shall end as malformed
   */
  receive(tsdu: Uint8Array): void;
  /** Something whole came, if only a segment: the device is there. */
  hear(): void;
  /** Called once, unless the user itself closed. */
  end(error: GatewayError): void;
}

/** ISO transport class 0 over a socket. @see RFC 1006; ITU-T X.224 */
export class Transport {
  readonly #socket: Socket;
  readonly #terms: TransportTerms;
  readonly #framer = new TpktFramer();
  readonly #assembler: TsduAssembler;
  readonly #take = (frame: Uint8Array) => {
    this.#receive(decodeTpdu(frame));
  };
  #user: TransportUser | undefined;
  #confirmed: (() => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;
  #tpduOctets = TPDU_OCTETS;
  #isEnded = false;

  constructor(dialled: Dialled, terms: TransportTerms) {
    this.#socket = dialled.socket;
    this.#terms = terms;
    this.#assembler = new TsduAssembler(terms.tsduOctets);
    this.#socket.on("data", (chunk: Buffer) => {
      // As plain octets: the slices of a Buffer are views, and what is decoded must be copies.
      this.#chunk(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length));
    });
    let isInTls = dialled.ready === "secureConnect";
    this.#socket.on("error", (cause: Error) => {
      const code = this.#user === undefined ? "LINK_REFUSED" : "LINK_LOST";
      const reason = tlsRefusal(cause, isInTls);
      const { facts } = this.#terms;
      const context = reason === undefined ? facts : { ...facts, reason };
      this.#end(new GatewayError(code, context, { cause }));
    });
    // A half-closed connection is of no use: whoever finishes is gone.
    for (const event of ["end", "close"]) {
      this.#socket.on(event, () => {
        const { facts } = this.#terms;
        if (!isInTls) this.#end(new GatewayError("LINK_LOST", facts));
        else this.#end(new GatewayError("LINK_REFUSED", { ...facts, reason: ENDED_IN_TLS }));
      });
    }
    this.#socket.once(dialled.ready, () => {
      isInTls = false;
      this.#socket.write(encodeTpkt(encodeTpdu(this.#request())));
    });
  }

  /**
   * Connects, for `user`, which then hears of everything.
   * @throws GatewayError LINK_REFUSED, LINK_LOST, LINK_TIMEOUT or REPLY_MALFORMED; the reason of
   *   `signal`
   */
  async open(user: TransportUser, signal: AbortSignal): Promise<void> {
    assert(this.#fail === undefined, "a transport is opened once");
    const { facts, connectTimeoutMs, wheel } = this.#terms;
    let timer: WheelTimer | undefined;
    const abort = () => this.#fail?.(signal.reason);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#confirmed = resolve;
        this.#fail = reject;
        timer = wheel.schedule(connectTimeoutMs, () => {
          reject(new GatewayError("LINK_TIMEOUT", { ...facts, timeoutMs: connectTimeoutMs }));
        });
        if (signal.aborted) abort();
        signal.addEventListener("abort", abort);
      });
      this.#user = user;
    } catch (error) {
      this.close();
      throw error;
    } finally {
      timer?.cancel();
      signal.removeEventListener("abort", abort);
    }
  }

  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }

  /** Sends a TSDU; nothing when the transport has ended. */
  send(tsdu: Uint8Array): void {
    if (this.#isEnded) return;
    this.#socket.write(segmentTsdu(tsdu, this.#tpduOctets));
    if (this.#socket.writableLength > UNSENT_OCTETS_MAX) {
      this.#end(new GatewayError("LINK_LOST", { ...this.#terms.facts, unsent: UNSENT_OCTETS_MAX }));
    }
  }

  /** Ends at once; the user is not told. Nobody waits for a device to take what is left to send. */
  close(): void {
    this.#isEnded = true;
    this.#socket.destroy();
  }

  #request(): Exclude<Tpdu, { type: "data" }> {
    return {
      type: "connect-request",
      destinationReference: 0,
      sourceReference: OUR_REFERENCE,
      tpduOctets: TPDU_OCTETS,
      callingSelector: this.#terms.calling,
      calledSelector: this.#terms.called,
    };
  }

  #chunk(chunk: Uint8Array): void {
    if (this.#isEnded) return;
    try {
      this.#framer.push(chunk, this.#take);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      // Where the next packet begins is not known: the connection is of no use any more.
      this.#end(error);
    }
  }

  #receive(tpdu: Tpdu): void {
    if (this.#isEnded) return;
    switch (tpdu.type) {
      case "data":
        this.#segment(tpdu);
        return;
      case "connect-confirm":
        this.#tpduOctets = agreedOctets(tpdu.tpduOctets);
        this.#confirmed?.();
        return;
      case "disconnect":
      case "error": {
        const code = this.#user === undefined ? "LINK_REFUSED" : "LINK_LOST";
        this.#end(new GatewayError(code, { ...this.#terms.facts, reason: tpdu.reason }));
        return;
      }
      case "connect-request":
        this.#end(new GatewayError("REPLY_MALFORMED", { ...this.#terms.facts, tpdu: tpdu.type }));
    }
  }

  #segment(segment: Extract<Tpdu, { type: "data" }>): void {
    if (this.#user === undefined) {
      this.#end(new GatewayError("REPLY_MALFORMED", { ...this.#terms.facts, tpdu: segment.type }));
      return;
    }
    this.#user.hear();
    const tsdu = this.#assembler.push(segment);
    if (tsdu !== undefined) this.#user.receive(tsdu);
  }

  #end(error: GatewayError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#socket.destroy();
    if (this.#user === undefined) this.#fail?.(error);
    else this.#user.end(error);
  }
}

/** A peer may lower what we proposed, not raise it. */
function agreedOctets(confirmed: number | undefined): number {
  const wanted = Math.min(confirmed ?? TPDU_OCTETS, TPDU_OCTETS, TPDU_OCTETS_DEFAULT);
  return Math.max(wanted, TPDU_OCTETS_MIN);
}
