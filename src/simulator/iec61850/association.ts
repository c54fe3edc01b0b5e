import {
  type AssociationIndication,
  decodeAssociationRequest,
  decodeUnit,
  encodeAssociationAccept,
  encodeAssociationRefusal,
  encodeRelease,
  wrapMms,
} from "../../wire/mms/association.ts";
import {
  decodeTpdu,
  encodeTpdu,
  segmentTsdu,
  type Tpdu,
  type TransportConnect,
  TsduAssembler,
} from "../../wire/mms/cotp.ts";
import { ourInitiate, type SupportedService } from "../../wire/mms/initiate.ts";
import { encodePdu, type MmsPdu, REJECT } from "../../wire/mms/pdu.ts";
import type { ContextIds } from "../../wire/mms/presentation.ts";
import { encodeTpkt, TpktFramer } from "../../wire/mms/tpkt.ts";
import { WireError } from "../../wire/mms/wire-error.ts";
import type { Client } from "./client.ts";
import type { IedDevice } from "./device.ts";
import { SERVICE_REFUSED } from "./refusals.ts";
import { answer } from "./services.ts";

/** Where the octets of an association go. */
export interface AssociationOutput {
  write(octets: Uint8Array): void;
  /** Ends the connection when everything is sent. */
  end(): void;
  /** Ends it at once, without a word. */
  reset(): void;
  /** Octets that the peer has not taken yet. */
  readonly unsentOctets: number;
}

export interface AssociationTerms {
  readonly device: IedDevice;
  readonly address: Uint8Array;
  readonly output: AssociationOutput;
  readonly pduOctets: number;
  readonly password: Uint8Array | undefined;
}

/** Requests that a client may have under way; they are answered in order as they come. */
const OUTSTANDING = 5;
const NESTING = 12;
const PDU_OCTETS_MIN = 256;
/** Envelopes around a PDU. */
const TSDU_EXTRA_OCTETS = 1024;
const TPDU_OCTETS = 8192;
const TPDU_OCTETS_MIN = 128;
/** From the connection to the association, and for a packet from its first octet to its last. */
const ASSOCIATE_MS = 10_000;
const PACKET_MS = 10_000;
/** PDUs that are not understood, before the association ends. */
const MALFORMED_MAX = 3;
/** Beyond this the client counts as one that does not read. */
const CONGESTED_OCTETS = 262_144;
const UNSENT_OCTETS_MAX = 4_194_304;
const AUTHENTICATION_FAILURE = 13;
const NO_REASON = 1;

const SERVICES: readonly SupportedService[] = [
  "status",
  "getNameList",
  "identify",
  "read",
  "write",
  "getVariableAccessAttributes",
  "defineNamedVariableList",
  "getNamedVariableListAttributes",
  "deleteNamedVariableList",
  "informationReport",
  "conclude",
];

const NEVER = (): void => undefined;

/**
 * One client of the server, from its first octet to its last: transport, association, requests. It
 * knows no sockets; a client can cost at most its own association.
 */
export class Association implements Client {
  readonly address: Uint8Array;
  pduOctets: number;
  readonly #terms: AssociationTerms;
  readonly #framer = new TpktFramer();
  readonly #assembler: TsduAssembler;
  #tpduOctets = TPDU_OCTETS_MIN;
  #isConnected = false;
  #isEnded = false;
  #ids: ContextIds | undefined;
  #malformed = 0;
  #wasCongested = false;
  readonly #endDeadline: () => void;
  #endPacketDeadline = NEVER;

  constructor(terms: AssociationTerms) {
    this.#terms = terms;
    this.address = terms.address;
    this.pduOctets = terms.pduOctets;
    this.#assembler = new TsduAssembler(terms.pduOctets + TSDU_EXTRA_OCTETS);
    this.#endDeadline = terms.device.alarms.after(ASSOCIATE_MS, () => {
      this.#break();
    });
  }

  get isAssociated(): boolean {
    return this.#ids !== undefined && !this.#isEnded;
  }

  get isCongested(): boolean {
    const isCongested = this.#terms.output.unsentOctets > CONGESTED_OCTETS;
    this.#wasCongested ||= isCongested;
    return isCongested;
  }

  /** Octets from the client, in pieces as they come. */
  receive(chunk: Uint8Array): void {
    if (this.#isEnded) return;
    try {
      this.#framer.push(chunk, (tpdu) => {
        if (!this.#isEnded) this.#take(decodeTpdu(tpdu));
      });
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#break();
      return;
    }
    this.#watchPacket();
  }

  send(pdu: Uint8Array): void {
    const { device, output } = this.#terms;
    if (this.#ids === undefined || this.#isEnded || device.hasFault("blackhole")) return;
    if (output.unsentOctets > UNSENT_OCTETS_MAX) {
      device.counters.droppedPdus += 1;
      return;
    }
    output.write(segmentTsdu(wrapMms(this.#ids, pdu), this.#tpduOctets));
  }

  cut(): void {
    this.ended();
    this.#terms.output.reset();
  }

  /** The client has taken what was sent. */
  drained(): void {
    if (!this.#wasCongested || this.#isEnded) return;
    this.#wasCongested = false;
    this.#terms.device.drained(this);
  }

  /** The connection is over, whoever ended it. */
  ended(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#endDeadline();
    this.#endPacketDeadline();
    this.#terms.device.lost(this);
  }

  #break(): void {
    this.#terms.device.counters.brokenAssociations += 1;
    this.cut();
  }

  /** A packet that has begun must end: a client must not hold on by an octet now and then. */
  #watchPacket(): void {
    if (this.#isEnded) return;
    const isInside = this.#framer.isInside || this.#assembler.isInside;
    if (!isInside) {
      this.#endPacketDeadline();
      this.#endPacketDeadline = NEVER;
    } else if (this.#endPacketDeadline === NEVER) {
      this.#endPacketDeadline = this.#terms.device.alarms.after(PACKET_MS, () => {
        this.#break();
      });
    }
  }

  #take(tpdu: Tpdu): void {
    switch (tpdu.type) {
      case "connect-request":
        this.#confirm(tpdu);
        return;
      case "data": {
        if (!this.#isConnected) throw new WireError("cotp-type", { type: tpdu.type });
        const tsdu = this.#assembler.push(tpdu);
        if (tsdu !== undefined) this.#takeTsdu(tsdu);
        return;
      }
      case "connect-confirm":
        throw new WireError("cotp-type", { type: tpdu.type });
      default:
        this.ended();
        this.#terms.output.end();
    }
  }

  #confirm(request: TransportConnect): void {
    if (this.#isConnected) throw new WireError("cotp-type", { type: request.type });
    this.#isConnected = true;
    this.#tpduOctets = Math.max(
      TPDU_OCTETS_MIN,
      Math.min(request.tpduOctets ?? TPDU_OCTETS, TPDU_OCTETS),
    );
    const confirm = encodeTpdu({
      type: "connect-confirm",
      destinationReference: request.sourceReference,
      sourceReference: 1,
      tpduOctets: this.#tpduOctets,
      callingSelector: request.callingSelector,
      calledSelector: request.calledSelector,
    });
    this.#terms.output.write(encodeTpkt(confirm));
  }

  #takeTsdu(tsdu: Uint8Array): void {
    if (this.#ids === undefined) {
      this.#associate(decodeAssociationRequest(tsdu));
      return;
    }
    const unit = this.#unitOf(tsdu, this.#ids);
    switch (unit?.unit) {
      case "mms":
        this.#takePdu(unit.pdu);
        return;
      case "release-request":
        this.#write(encodeRelease(this.#ids, "release-response"));
        this.ended();
        this.#terms.output.end();
        return;
      case "abort":
      case "release-response":
        this.ended();
        this.#terms.output.end();
        return;
      case undefined:
    }
  }

  /** Undefined for what is not understood: rejected, and too much of it ends the association. */
  #unitOf(tsdu: Uint8Array, ids: ContextIds): ReturnType<typeof decodeUnit> | undefined {
    try {
      return decodeUnit(tsdu, ids);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#malformed += 1;
      if (this.#malformed >= MALFORMED_MAX) throw error;
      this.#reject(undefined, REJECT.invalidPdu);
      return undefined;
    }
  }

  #associate(indication: AssociationIndication): void {
    const { device, password, pduOctets } = this.#terms;
    const { ids, initiate } = indication;
    if (ids === undefined) throw new WireError("presentation-context", {});
    const wanted = Math.min(initiate.pduOctets ?? pduOctets, pduOctets);
    const isTooSmall = wanted < PDU_OCTETS_MIN;
    const isWelcome = password === undefined || isSameSecret(password, indication.password);
    if (device.hasFault("refuse-association") || isTooSmall || !isWelcome) {
      device.counters.refusedAssociations += 1;
      const diagnostic = isWelcome ? NO_REASON : AUTHENTICATION_FAILURE;
      this.#write(encodeAssociationRefusal(indication, ids, diagnostic));
      this.ended();
      this.#terms.output.end();
      return;
    }
    this.#endDeadline();
    this.pduOctets = wanted;
    this.#ids = ids;
    device.counters.associations += 1;
    const limits = {
      pduOctets: wanted,
      outstandingCalling: Math.min(initiate.outstandingCalling, OUTSTANDING),
      outstandingCalled: Math.min(initiate.outstandingCalled, OUTSTANDING),
      nesting: Math.min(initiate.nesting ?? NESTING, NESTING),
    };
    this.#write(encodeAssociationAccept(indication, ids, ourInitiate(limits, SERVICES)));
  }

  #takePdu(pdu: MmsPdu): void {
    switch (pdu.kind) {
      case "confirmed-request":
        this.#answer(pdu);
        return;
      case "conclude-request":
        this.send(encodePdu({ kind: "conclude-response" }));
        return;
      case "reject":
        return;
      default:
        this.#reject(undefined, REJECT.invalidPdu);
    }
  }

  #answer({ invokeId, request }: Extract<MmsPdu, { kind: "confirmed-request" }>): void {
    const { device } = this.#terms;
    device.counters.requests += 1;
    const answered = answer(device, this, request);
    switch (answered.result) {
      case "unknown":
        this.#reject(invokeId, REJECT.unrecognizedService);
        return;
      case "error":
        this.send(encodePdu({ kind: "confirmed-error", invokeId, error: answered.error }));
        return;
      case "response": {
        const { response } = answered;
        const whole = encodePdu({ kind: "confirmed-response", invokeId, response });
        const error = SERVICE_REFUSED.answerTooLong;
        const isTooLong = whole.length > this.pduOctets;
        this.send(isTooLong ? encodePdu({ kind: "confirmed-error", invokeId, error }) : whole);
      }
    }
  }

  #reject(
    invokeId: number | undefined,
    reason: { readonly rejected: number; readonly reason: number },
  ): void {
    this.#terms.device.counters.rejected += 1;
    this.send(encodePdu({ kind: "reject", invokeId, ...reason }));
  }

  #write(tsdu: Uint8Array): void {
    this.#terms.output.write(segmentTsdu(tsdu, this.#tpduOctets));
  }
}

/** Compares every octet, so that the time taken tells nothing. */
function isSameSecret(secret: Uint8Array, given: Uint8Array | undefined): boolean {
  if (given?.length !== secret.length) return false;
  let difference = 0;
  for (let at = 0; at < secret.length; at++) difference |= (secret[at] ?? 0) ^ (given[at] ?? 0);
  return difference === 0;
}
