import { GatewayError } from "../../domain/errors.ts";
import type { Clock } from "../../domain/time.ts";
import {
  type AssociationAnswer,
  decodeAssociationAnswer,
  decodeUnit,
  DEFAULT_TRANSPORT_SELECTOR,
  encodeAbort,
  encodeRelease,
  type Unit,
  wrapMms,
} from "../../wire/mms/association.ts";
import { encodePdu, type MmsPdu } from "../../wire/mms/pdu.ts";
import type { ContextIds } from "../../wire/mms/presentation.ts";
import { WireError } from "../../wire/mms/wire-error.ts";
import type { TimerWheel, WheelTimer } from "../wheel.ts";
import { CONNECT_TIMEOUT_MS, Dialogue } from "./dialogue.ts";
import type { AssociateOptions, CallTerms } from "./engine.ts";
import { agreed, associationRequest, proposed, refusalFacts } from "./negotiation.ts";
import { dial } from "./socket.ts";
import { Transport } from "./transport.ts";

/** What the layers around a PDU may add. */
const WRAPPING_OCTETS = 1_024;

export interface ChannelTerms {
  readonly options: AssociateOptions;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

/** MMS towards one device, whoever carries it. */
export interface Channel {
  readonly dialogue: Dialogue;
  readonly localAddress: string | undefined;
  /** Says good-bye and closes, whatever the device answers. */
  release(terms: CallTerms): Promise<void>;
  abort(): void;
}

/** MMS towards one device by our own stack: the association, and its units on the wire. */
export class MmsChannel implements Channel {
  readonly dialogue: Dialogue;
  readonly #terms: ChannelTerms;
  readonly #transport: Transport;
  #ids: ContextIds = { acse: 1, mms: 3 };
  #associated: ((answer: AssociationAnswer) => void) | undefined;
  #refuse: ((error: unknown) => void) | undefined;
  #released: (() => void) | undefined;

  private constructor(terms: ChannelTerms) {
    this.#terms = terms;
    const { options, wheel } = terms;
    this.dialogue = new Dialogue({
      options,
      wheel,
      proposed: proposed(options),
      send: (_, pdu) => {
        this.#sendPdu(pdu);
      },
      close: () => {
        this.#transport.close();
        this.#released?.();
      },
    });
    const { facts, negotiated } = this.dialogue;
    this.#transport = new Transport(dial(options), {
      facts,
      calling: options.callingTransport ?? DEFAULT_TRANSPORT_SELECTOR,
      called: options.calledTransport ?? DEFAULT_TRANSPORT_SELECTOR,
      tsduOctets: negotiated.pduOctets + WRAPPING_OCTETS,
      connectTimeoutMs: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      wheel,
    });
  }

  /**
   * @throws GatewayError LINK_REFUSED, LINK_TIMEOUT, LINK_LOST or REPLY_MALFORMED; the reason of
   *   `signal`
   */
  static async open(terms: ChannelTerms, signal: AbortSignal): Promise<MmsChannel> {
    signal.throwIfAborted();
    const startedAt = terms.clock.now();
    const channel = new MmsChannel(terms);
    await channel.#transport.open(
      {
        receive: (tsdu) => {
          channel.#receive(tsdu);
        },
        hear: () => {
          channel.dialogue.hear();
        },
        end: (error) => {
          channel.#refuse?.(error);
          channel.dialogue.end(error.code === "REPLY_MALFORMED" ? "malformed" : "lost", error);
        },
      },
      signal,
    );
    const spentMs = terms.clock.now() - startedAt;
    await channel.#associate(spentMs, signal);
    return channel;
  }

  get localAddress(): string | undefined {
    return this.#transport.localAddress;
  }

  async release(terms: CallTerms): Promise<void> {
    const { dialogue } = this;
    if (!dialogue.isUp) return;
    let timer: WheelTimer | undefined;
    let abort: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#released = resolve;
      abort = () => {
        resolve();
      };
      terms.signal.addEventListener("abort", abort);
      timer = this.#terms.wheel.schedule(dialogue.timeoutMs(terms), resolve);
      if (terms.signal.aborted) resolve();
      this.#sendPdu(encodePdu({ kind: "conclude-request" }));
    });
    timer?.cancel();
    if (abort !== undefined) terms.signal.removeEventListener("abort", abort);
    dialogue.end("released", new GatewayError("LINK_LOST", { ...dialogue.facts, released: true }));
  }

  abort(): void {
    const { dialogue } = this;
    if (!dialogue.isUp) return;
    this.#transport.send(encodeAbort(this.#ids));
    dialogue.end("aborted", new GatewayError("LINK_LOST", { ...dialogue.facts, aborted: true }));
  }

  #sendPdu(pdu: Uint8Array): void {
    this.#transport.send(wrapMms(this.#ids, pdu));
  }

  async #associate(spentMs: number, signal: AbortSignal): Promise<void> {
    const { options, wheel } = this.#terms;
    const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    const abort = () => this.#refuse?.(signal.reason);
    let timer: WheelTimer | undefined;
    try {
      const answer = await new Promise<AssociationAnswer>((resolve, reject) => {
        this.#associated = resolve;
        this.#refuse = reject;
        timer = wheel.schedule(Math.max(0, timeoutMs - spentMs), () => {
          reject(new GatewayError("LINK_TIMEOUT", { ...this.dialogue.facts, timeoutMs }));
        });
        signal.addEventListener("abort", abort);
        if (signal.aborted) abort();
        this.#transport.send(associationRequest(options, this.dialogue.negotiated));
      });
      this.#accept(answer);
    } catch (error) {
      this.dialogue.end("lost", new GatewayError("LINK_LOST", this.dialogue.facts));
      throw error;
    } finally {
      timer?.cancel();
      signal.removeEventListener("abort", abort);
      this.#associated = undefined;
      this.#refuse = undefined;
    }
  }

  #accept(answer: AssociationAnswer): void {
    const { dialogue } = this;
    if (answer.result !== "associated") {
      throw new GatewayError("LINK_REFUSED", { ...dialogue.facts, ...refusalFacts(answer) });
    }
    this.#ids = answer.ids;
    dialogue.agree(agreed(dialogue.negotiated, answer.initiate));
  }

  #receive(tsdu: Uint8Array): void {
    if (this.#associated !== undefined) {
      this.#associated(decodeAssociationAnswer(tsdu));
      this.#associated = undefined;
      return;
    }
    if (!this.dialogue.isUp) return;
    let unit: Unit;
    try {
      unit = decodeUnit(tsdu, this.#ids);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.dialogue.malformed(error);
      return;
    }
    if (unit.unit === "mms") this.#take(unit.pdu);
    else this.#goodBye(unit);
  }

  #take(pdu: MmsPdu): void {
    if (pdu.kind === "conclude-response" || pdu.kind === "conclude-error")
      this.#transport.send(encodeRelease(this.#ids, "release-request"));
    else this.dialogue.take(pdu);
  }

  #goodBye(unit: Exclude<Unit, { unit: "mms" }>): void {
    const { facts } = this.dialogue;
    switch (unit.unit) {
      case "release-response":
        this.#released?.();
        return;
      case "release-request":
        this.#transport.send(encodeRelease(this.#ids, "release-response"));
        this.dialogue.end("peer-released", new GatewayError("LINK_LOST", facts));
        return;
      case "abort":
        this.dialogue.end("peer-aborted", new GatewayError("LINK_LOST", { ...facts, by: unit.by }));
    }
  }
}
