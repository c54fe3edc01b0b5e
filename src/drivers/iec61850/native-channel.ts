import { createSocket } from "node:dgram";
import { GatewayError } from "../../domain/errors.ts";
import { decodePdu } from "../../wire/mms/pdu.ts";
import { supportedServices } from "../../wire/mms/initiate.ts";
import { WireError } from "../../wire/mms/wire-error.ts";
import type { TimerWheel } from "../wheel.ts";
import type { Channel } from "./channel.ts";
import { CONNECT_TIMEOUT_MS, Dialogue } from "./dialogue.ts";
import type { AssociateOptions, CallTerms, DownReason, Negotiated } from "./engine.ts";
import { FRAME, jsonOf, withNumber } from "./native-frames.ts";
import type { NativeHost, NativeUser } from "./native-host.ts";
import { openOrder } from "./native-opening.ts";
import { proposed } from "./negotiation.ts";

const NOTHING = new Uint8Array();

export interface NativeChannelTerms {
  readonly options: AssociateOptions;
  readonly host: NativeHost;
  readonly wheel: TimerWheel;
}

/**
 * MMS towards one device by way of the process that has libiec61850 loaded. Requests go one at a
 * time. What comes back is decoded and limited here as if it came from the device.
 */
export class NativeChannel implements Channel, NativeUser {
  readonly dialogue: Dialogue;
  readonly #terms: NativeChannelTerms;
  #id = 0;
  #localAddress: string | undefined;
  #opened: ((negotiated: Negotiated) => void) | undefined;
  #refuse: ((error: unknown) => void) | undefined;
  #released: (() => void) | undefined;

  private constructor(terms: NativeChannelTerms) {
    this.#terms = terms;
    const { options, wheel, host } = terms;
    this.dialogue = new Dialogue({
      options,
      wheel,
      proposed: { ...proposed(options), outstanding: 1 },
      send: (_, pdu) => {
        const lifeMs = this.dialogue.timeoutMs({});
        host.send(FRAME.request, this.#id, withNumber(lifeMs, pdu));
      },
      // It may still wait over there for the one before it.
      giveUp: (invokeId) => {
        host.send(FRAME.cancel, this.#id, withNumber(invokeId));
      },
      close: (why) => {
        this.#close(why);
      },
      // What is under way is a probe, too: one call at a time.
      mayProbe: () => this.dialogue.underWay === 0,
    });
  }

  /**
   * @throws GatewayError LINK_REFUSED, LINK_TIMEOUT or LINK_LOST; the reason of `signal`
   */
  static async open(terms: NativeChannelTerms, signal: AbortSignal): Promise<NativeChannel> {
    signal.throwIfAborted();
    const { options, host } = terms;
    const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    const channel = new NativeChannel(terms);
    const { dialogue } = channel;
    const order = openOrder(options, {
      connectTimeoutMs: timeoutMs,
      requestTimeoutMs: dialogue.timeoutMs({}),
    });
    channel.#id = await host.enter(channel, signal);
    try {
      channel.#localAddress = await localAddressTowards(options);
      dialogue.agree(await channel.#open(order, { timeoutMs, signal }));
    } catch (error) {
      host.send(FRAME.abort, channel.#id, NOTHING);
      host.leave(channel.#id);
      throw error;
    }
    return channel;
  }

  get localAddress(): string | undefined {
    return this.#localAddress;
  }

  async release(terms: CallTerms): Promise<void> {
    const { dialogue } = this;
    if (!dialogue.isUp) return;
    const wait = dialogue.waits.begin<undefined>({
      signal: terms.signal,
      timeoutMs: dialogue.timeoutMs(terms),
    });
    this.#released = () => {
      wait.resolve(undefined);
    };
    this.#terms.host.send(FRAME.release, this.#id, NOTHING);
    // Whatever becomes of the good-bye: the association is over.
    await wait.promise.catch(() => undefined);
    wait.forget();
    dialogue.end("released", new GatewayError("LINK_LOST", { ...dialogue.facts, released: true }));
  }

  abort(): void {
    const { facts } = this.dialogue;
    this.dialogue.end("aborted", new GatewayError("LINK_LOST", { ...facts, aborted: true }));
  }

  take(kind: number, body: Uint8Array): void {
    if (!this.dialogue.isUp) return;
    this.dialogue.hear();
    try {
      this.#frame(kind, body);
    } catch (error) {
      if (!(error instanceof WireError || error instanceof GatewayError)) throw error;
      this.dialogue.malformed(error);
    }
  }

  gone(error: GatewayError): void {
    this.#refuse?.(error);
    this.dialogue.end("lost", error);
  }

  /** What went by itself is gone over there, too; everything else has to be ended. */
  #close(why: DownReason["why"]): void {
    const { host } = this.#terms;
    if (why !== "lost" && why !== "released") host.send(FRAME.abort, this.#id, NOTHING);
    host.leave(this.#id);
    this.#released?.();
  }

  async #open(
    order: object,
    terms: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<Negotiated> {
    const wait = this.dialogue.waits.begin<Negotiated>(terms);
    const refused = new Promise<never>((_, reject) => {
      this.#refuse = reject;
    });
    refused.catch(() => undefined);
    this.#opened = wait.resolve;
    try {
      const body = new TextEncoder().encode(JSON.stringify(order));
      this.#terms.host.send(FRAME.open, this.#id, body);
      return await Promise.race([wait.promise, refused]);
    } finally {
      wait.forget();
      this.#opened = undefined;
      this.#refuse = undefined;
    }
  }

  #frame(kind: number, body: Uint8Array): void {
    const { facts } = this.dialogue;
    switch (kind) {
      case FRAME.pdu:
        this.dialogue.take(decodePdu(body.slice()));
        return;
      case FRAME.opened:
        this.#opened?.(this.#agreed(jsonOf(body)));
        return;
      case FRAME.failed: {
        const { why, reason } = jsonOf(body);
        const code = why === "timeout" ? "LINK_TIMEOUT" : "LINK_REFUSED";
        const told = why === "lost" ? "LINK_LOST" : code;
        this.#refuse?.(new GatewayError(told, { ...facts, reason: String(reason) }));
        return;
      }
      case FRAME.over: {
        const { why } = jsonOf(body);
        if (why === "released") this.#released?.();
        else
          this.dialogue.end("lost", new GatewayError("LINK_LOST", { ...facts, why: String(why) }));
        return;
      }
      default:
        throw new GatewayError("FRAME_MALFORMED", { kind });
    }
  }

  #agreed(opened: Readonly<Record<string, unknown>>): Negotiated {
    const { pduOctets, nesting, services, lame } = opened;
    if (typeof lame === "number") this.#terms.host.counters.lame += lame;
    const { pduOctets: most } = this.dialogue.negotiated;
    const octets = typeof pduOctets === "number" ? pduOctets : most;
    const bytes = Array.isArray(services)
      ? Uint8Array.from(services as number[])
      : new Uint8Array();
    return {
      pduOctets: Math.max(1, Math.min(octets, most)),
      outstanding: 1,
      nesting: typeof nesting === "number" ? nesting : undefined,
      services: supportedServices({ bitCount: bytes.length * 8, bytes }),
    };
  }
}

/**
 * Our address as the device sees it, which the library does not tell: a datagram socket learns it
 * from the routes, and sends nothing. Undefined where there is no route.
 */
async function localAddressTowards({ host, port }: AssociateOptions): Promise<string | undefined> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.connect(port, host, resolve);
    });
    return socket.address().address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}
