import type { Informed } from "../../../native/libiec61850.ts";
import {
  type ClientAddress,
  ERROR_CONNECTION_LOST,
  ERROR_CONNECTION_REJECTED,
  ERROR_TIMEOUT,
  type MmsCalls,
  NO_ERROR,
} from "../../../native/mms-client.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { ObjectName } from "../../wire/mms/object-name.ts";
import { decodePdu } from "../../wire/mms/pdu.ts";
import { WireError } from "../../wire/mms/wire-error.ts";
import { elementsOf, NoticeJoiner, reportPdu } from "./native-answers.ts";
import { FRAME, jsonOf, numberOf } from "./native-frames.ts";
import { RequestServer, type Served } from "./native-requests.ts";
import type { Failed, NativeAddress, OpenOrder, Opened, Over } from "./native-terms.ts";

/** Requests that wait for the one under way; the gateway sends one at a time. */
const WAITING_MAX = 64;
/**
 * Associations that came up lame, one after the other, before the device is told to be gone. The
 * library notes "connecting" after its own thread may have noted "connected" already: where the
 * device answers within that moment, every call is refused from then on although the line is good
 * (libiec61850 1.5, `MmsConnection_connectAsync`; 1 to 2 in 100 on one machine).
 */
const LAME_MAX = 4;
/** Service `status`: the first bit of the first octet, ISO 9506-2 §7.5 (ServiceSupportOptions). */
const HAS_STATUS = 0x80;
const NOTHING = new Uint8Array();

export interface AssociationUser {
  /** @returns false when it was not taken */
  readonly tell: (kind: number, body: Uint8Array) => boolean;
  /** Everything of it is given back. */
  readonly gone: () => void;
}

interface WaitingRequest {
  readonly invokeId: number;
  readonly pdu: Uint8Array;
  /** `performance.now()` after which nobody waits for it any more. */
  readonly until: number;
}

/**
 * One association in the process of the library: requests one after the other, never two calls at
 * once. It is destroyed when it is over and the call under way has come back.
 */
export class NativeAssociation {
  readonly #newClient: () => MmsCalls;
  readonly #user: AssociationUser;
  #client: MmsCalls;
  #server: RequestServer;
  readonly #notices = new NoticeJoiner();
  #waiting: WaitingRequest[] = [];
  #isUp = false;
  /** While it is not up yet. */
  #isLost = false;
  #isCalling = false;
  #isOver = false;
  #goodBye: "conclude" | "abort" | undefined;

  /** @param newClient gives another one for each attempt */
  constructor(newClient: () => MmsCalls, user: AssociationUser) {
    this.#newClient = newClient;
    this.#user = user;
    this.#client = newClient();
    this.#server = new RequestServer(this.#client);
  }

  async open(body: Uint8Array): Promise<void> {
    await this.#calling(async () => {
      const failed = await this.#connect(jsonOf(body) as unknown as OpenOrder);
      if (failed === undefined) return;
      this.#isOver = true;
      this.#tellJson(FRAME.failed, failed);
    });
  }

  /** What the gateway says. What of it cannot be read costs this association an answer. */
  take(kind: number, body: Uint8Array): void {
    try {
      this.#take(kind, body);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      this.#user.tell(FRAME.malformed, NOTHING);
    }
  }

  #take(kind: number, body: Uint8Array): void {
    switch (kind) {
      case FRAME.request:
        this.#request(body);
        return;
      case FRAME.cancel: {
        const invokeId = numberOf(body);
        this.#waiting = this.#waiting.filter((request) => request.invokeId !== invokeId);
        return;
      }
      case FRAME.release:
        this.#end("released", "conclude");
        return;
      case FRAME.abort:
        this.#end("released", "abort");
    }
  }

  inform(from: Informed, octets: Uint8Array): void {
    if (this.#isOver) return;
    try {
      const name: ObjectName =
        from.domain === undefined
          ? { scope: "device", item: from.item }
          : { scope: "domain", domain: from.domain, item: from.item };
      const pdu = from.isList
        ? reportPdu(name, elementsOf(octets))
        : this.#notices.take(name, octets);
      // What a buffered block sent and was not taken, it sends again when reports are resumed.
      if (!this.#user.tell(FRAME.pdu, pdu)) this.#end("overrun", "abort");
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#user.tell(FRAME.malformed, NOTHING);
    }
  }

  lost(): void {
    this.#isLost = true;
    if (this.#isUp) this.#end("lost", undefined);
  }

  async #connect(order: OpenOrder): Promise<Failed | undefined> {
    for (let lame = 0; lame < LAME_MAX; lame++) {
      this.#isLost = false;
      const failed = await this.#attempt(order);
      if (failed !== undefined) return failed;
      if (this.#isOver || (await this.#isAnswered())) {
        this.#opened(lame);
        return undefined;
      }
      await this.#client.destroy();
      this.#client = this.#newClient();
      this.#server = new RequestServer(this.#client);
    }
    return { why: "refused", reason: `the association ended at once, ${LAME_MAX} times` };
  }

  async #attempt(order: OpenOrder): Promise<Failed | undefined> {
    try {
      this.#client.configure({
        ...order,
        calling: addressOf(order.calling),
        called: addressOf(order.called),
      });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return { why: "refused", reason: error.message };
    }
    const error = await this.#client.connect(order.host, order.port, order.password);
    return error === NO_ERROR ? undefined : connectFailure(error);
  }

  /** Whether the library lets a request through; nothing is at stake yet. */
  async #isAnswered(): Promise<boolean> {
    const [services = 0] = this.#client.parameters.services;
    const hasStatus = (services & HAS_STATUS) !== 0;
    const answered = await (hasStatus ? this.#client.status() : this.#client.names("domains", ""));
    return answered.error !== ERROR_CONNECTION_LOST && !this.#isLost;
  }

  #opened(lame: number): void {
    this.#isUp = true;
    if (this.#isOver) return;
    const { octets, nesting, services } = this.#client.parameters;
    const opened: Opened = { pduOctets: octets, nesting, services: [...services], lame };
    this.#tellJson(FRAME.opened, opened);
  }

  #request(body: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#waiting.length >= WAITING_MAX) {
      this.#end("overrun", "abort");
      return;
    }
    const pdu = body.slice(4);
    const request = decodePdu(pdu);
    if (request.kind !== "confirmed-request") return;
    const { invokeId } = request;
    this.#waiting.push({ invokeId, pdu, until: performance.now() + numberOf(body) });
    void this.#next();
  }

  async #next(): Promise<void> {
    if (this.#isCalling || this.#isOver) return;
    const request = this.#waiting.shift();
    if (request === undefined) return;
    // A command that its giver has already given up must not reach the device.
    if (performance.now() < request.until) await this.#calling(async () => this.#serve(request));
    else void this.#next();
  }

  async #serve({ invokeId, pdu }: WaitingRequest): Promise<void> {
    const decoded = decodePdu(pdu);
    if (decoded.kind !== "confirmed-request") return;
    let served: Served;
    try {
      served = await this.#server.serve(invokeId, decoded.request);
    } catch (error) {
      if (!(error instanceof WireError || error instanceof GatewayError)) throw error;
      served = { failure: "malformed" };
    }
    if (this.#isOver) return;
    if ("pdu" in served) {
      if (!this.#user.tell(FRAME.pdu, served.pdu)) this.#end("overrun", "abort");
    } else if (served.failure === "malformed") this.#user.tell(FRAME.malformed, NOTHING);
    else if (served.failure === "lost") this.#end("lost", undefined);
  }

  async #calling(call: () => Promise<void>): Promise<void> {
    this.#isCalling = true;
    try {
      await call();
    } finally {
      this.#isCalling = false;
    }
    if (this.#isOver) await this.#close();
    else void this.#next();
  }

  #end(why: Over["why"], goodBye: "conclude" | "abort" | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#goodBye = goodBye;
    this.#waiting = [];
    if (why !== "released") this.#tellJson(FRAME.over, { why });
    if (!this.#isCalling) void this.#close();
  }

  async #close(): Promise<void> {
    this.#isCalling = true;
    if (this.#isUp && this.#goodBye === "conclude") await this.#client.conclude();
    if (this.#isUp && this.#goodBye === "abort") await this.#client.abort();
    await this.#client.destroy();
    if (this.#goodBye === "conclude") this.#tellJson(FRAME.over, { why: "released" });
    this.#user.gone();
  }

  #tellJson(kind: number, body: Failed | Opened | Over): void {
    this.#user.tell(kind, new TextEncoder().encode(JSON.stringify(body)));
  }
}

function connectFailure(error: number): Failed {
  if (error === ERROR_TIMEOUT) return { why: "timeout", reason: "no answer in time" };
  const reason =
    error === ERROR_CONNECTION_REJECTED ? "refused by the device or the network" : `error ${error}`;
  return { why: "refused", reason };
}

function addressOf(address: NativeAddress): ClientAddress {
  return {
    ...address,
    presentation: Uint8Array.from(address.presentation),
    session: Uint8Array.from(address.session),
    transport: Uint8Array.from(address.transport),
  };
}
