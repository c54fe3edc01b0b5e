import assert from "node:assert/strict";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import {
  decodeAssociationRequest,
  decodeUnit,
  encodeAssociationAccept,
  encodeAssociationRefusal,
  encodeMms,
  encodeRelease,
} from "../../../src/wire/mms/association.ts";
import {
  decodeTpdu,
  encodeTpdu,
  segmentTsdu,
  type Tpdu,
  TsduAssembler,
} from "../../../src/wire/mms/cotp.ts";
import { ourInitiate } from "../../../src/wire/mms/initiate.ts";
import type { ObjectName } from "../../../src/wire/mms/object-name.ts";
import type { InformationReport, MmsPdu } from "../../../src/wire/mms/pdu.ts";
import type { MmsRequest } from "../../../src/wire/mms/request.ts";
import type { MmsResponse, WriteResult } from "../../../src/wire/mms/response.ts";
import { encodeTpkt, TpktFramer } from "../../../src/wire/mms/tpkt.ts";
import type { TypeSpec } from "../../../src/wire/mms/type-spec.ts";
import { WireError } from "../../../src/wire/mms/wire-error.ts";
import type { AccessResult, MmsValue } from "../../../src/wire/mms/value.ts";

/** What the peer says to a request: a response, a refusal of the whole, or nothing at all. */
export type PeerAnswer =
  MmsResponse | "nothing" | { readonly refused: { readonly class: number; readonly code: number } };

export interface PeerOptions {
  readonly pduOctets?: number;
  readonly outstanding?: number;
  readonly tls?: TlsOptions;
  /** Where an association ends before it begins. */
  readonly stopAt?: "transport" | "association";
  readonly isRefusing?: boolean;
}

const IDS = { acse: 1, mms: 3 };

/**
 * A scripted MMS server: variables and types from maps, everything else as a test says, good or
 * hostile. It serves one connection at a time.
 */
export class MmsPeer {
  readonly #server: Server;
  readonly #options: PeerOptions;
  #socket: Socket | undefined;
  #assembler = new TsduAssembler(1024 * 1024);
  #waiters: { readonly count: number; readonly is: (r: MmsRequest) => boolean; ok: () => void }[] =
    [];
  /** By `LD/item`. */
  readonly values = new Map<string, AccessResult>();
  /** Of whole logical nodes, by `LD/LN`. */
  readonly types = new Map<string, TypeSpec>();
  readonly dataSets = new Map<string, readonly ObjectName[]>();
  readonly requests: MmsRequest[] = [];
  readonly writes: { readonly name: string; readonly value: MmsValue }[] = [];
  underWay = 0;
  mostUnderWay = 0;
  connections = 0;
  /** Answers before the maps do; undefined to let them. */
  script: (request: MmsRequest, invokeId: number) => PeerAnswer | undefined = () => undefined;
  /** What a write does. */
  onWrite: (name: string, value: MmsValue) => WriteResult | "nothing" = () => "accepted";
  /** True to hear all and say nothing: a black hole. */
  isSilent = false;

  private constructor(server: Server, options: PeerOptions) {
    this.#server = server;
    this.#options = options;
  }

  static async start(options: PeerOptions = {}): Promise<MmsPeer> {
    const accept = (socket: Socket) => {
      peer.#accept(socket);
    };
    const server =
      options.tls === undefined ? createServer(accept) : createTlsServer(options.tls, accept);
    const peer = new MmsPeer(server, options);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return peer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined && !this.#socket.destroyed;
  }

  async stop(): Promise<void> {
    this.#socket?.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  /** Resolves when `count` requests of a service have come. */
  async heard(service: MmsRequest["service"], count = 1): Promise<void> {
    await this.heardSuch((request) => request.service === service, count);
  }

  async heardSuch(is: (request: MmsRequest) => boolean, count = 1): Promise<void> {
    if (this.requests.filter(is).length >= count) return;
    await new Promise<void>((ok) => {
      this.#waiters.push({ count, is, ok });
    });
  }

  /** Names of what was written, in order. */
  get written(): readonly string[] {
    return this.writes.map(({ name }) => name);
  }

  inform(report: InformationReport): void {
    this.sendPdu({ kind: "information-report", report });
  }

  sendPdu(pdu: MmsPdu): void {
    this.sendTsdu(encodeMms(IDS, pdu));
  }

  sendTsdu(tsdu: Uint8Array): void {
    this.raw(segmentTsdu(tsdu, 8192));
  }

  raw(bytes: Uint8Array): void {
    this.#socket?.write(bytes);
  }

  reset(): void {
    this.#socket?.resetAndDestroy();
  }

  finish(): void {
    this.#socket?.end();
  }

  release(): void {
    this.sendTsdu(encodeRelease(IDS, "release-request"));
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    socket.setNoDelay(true);
    this.#socket = socket;
    this.#assembler = new TsduAssembler(1024 * 1024);
    const framer = new TpktFramer();
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      const octets = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
      try {
        framer.push(octets, (frame) => {
          this.#tpdu(decodeTpdu(frame));
        });
      } catch (error) {
        // As a device does with a client that speaks something else.
        if (!(error instanceof WireError)) throw error;
        socket.destroy();
      }
    });
  }

  #tpdu(tpdu: Tpdu): void {
    if (tpdu.type === "connect-request") {
      if (this.#options.stopAt === "transport") return;
      const confirm = {
        ...tpdu,
        type: "connect-confirm",
        destinationReference: tpdu.sourceReference,
        sourceReference: 1,
      } as const;
      this.raw(encodeTpkt(encodeTpdu(confirm)));
      return;
    }
    if (tpdu.type !== "data") return;
    const tsdu = this.#assembler.push(tpdu);
    if (tsdu === undefined) return;
    if (tsdu[0] === 0x0d) this.#associate(tsdu);
    else this.#unit(tsdu);
  }

  #associate(tsdu: Uint8Array): void {
    if (this.#options.stopAt === "association") return;
    const indication = decodeAssociationRequest(tsdu);
    assert.ok(indication.ids !== undefined);
    if (this.#options.isRefusing === true) {
      this.sendTsdu(encodeAssociationRefusal(indication, indication.ids, 13));
      return;
    }
    const outstanding = this.#options.outstanding ?? 5;
    const initiate = ourInitiate(
      {
        pduOctets: this.#options.pduOctets ?? 65_000,
        outstandingCalling: outstanding,
        outstandingCalled: outstanding,
        nesting: 10,
      },
      ["status", "getNameList", "read", "write", "informationReport", "conclude"],
    );
    this.sendTsdu(encodeAssociationAccept(indication, indication.ids, initiate));
  }

  #unit(tsdu: Uint8Array): void {
    const unit = decodeUnit(tsdu, IDS);
    if (unit.unit === "release-request") {
      this.sendTsdu(encodeRelease(IDS, "release-response"));
      return;
    }
    if (unit.unit !== "mms") return;
    const { pdu } = unit;
    if (pdu.kind === "conclude-request") this.sendPdu({ kind: "conclude-response" });
    if (pdu.kind === "confirmed-request") this.#request(pdu.invokeId, pdu.request);
  }

  #request(invokeId: number, request: MmsRequest): void {
    this.requests.push(request);
    this.underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
    const answer = this.isSilent ? "nothing" : this.#answer(request, invokeId);
    if (answer !== "nothing") this.reply(invokeId, answer);
    const ready = this.#waiters.filter(({ is, count }) => this.requests.filter(is).length >= count);
    this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter));
    for (const { ok } of ready) ok();
  }

  /** Answers a request that a script left open. */
  reply(invokeId: number, answer: Exclude<PeerAnswer, "nothing">): void {
    this.underWay -= 1;
    if ("refused" in answer) {
      this.sendPdu({ kind: "confirmed-error", invokeId, error: answer.refused });
    } else {
      this.sendPdu({ kind: "confirmed-response", invokeId, response: answer });
    }
  }

  #answer(request: MmsRequest, invokeId: number): PeerAnswer {
    const scripted = this.script(request, invokeId);
    if (scripted !== undefined) return scripted;
    switch (request.service) {
      case "status":
        return { service: "status", logical: 0, physical: 0 };
      case "read": {
        assert.ok(request.access.by === "names");
        const results = request.access.variables.map(({ name }) => this.value(nameOf(name)));
        return { service: "read", access: undefined, results };
      }
      case "write":
        return this.#write(request);
      case "getVariableAccessAttributes": {
        const type = this.types.get(nameOf(request.name));
        if (type === undefined) return { refused: { class: 7, code: 2 } };
        return { service: "getVariableAccessAttributes", isDeletable: false, type };
      }
      case "getNamedVariableListAttributes": {
        const members = this.dataSets.get(nameOf(request.name));
        if (members === undefined) return { refused: { class: 7, code: 2 } };
        const variables = members.map((name) => ({ name, alternateAccess: undefined }));
        return { service: "getNamedVariableListAttributes", isDeletable: false, variables };
      }
      default:
        return { refused: { class: 12, code: 0 } };
    }
  }

  value(name: string): AccessResult {
    return this.values.get(name) ?? { kind: "error", code: 10 };
  }

  #write(request: Extract<MmsRequest, { service: "write" }>): PeerAnswer {
    assert.ok(request.access.by === "names");
    const results: WriteResult[] = [];
    for (const [at, { name }] of request.access.variables.entries()) {
      const value = request.values[at];
      assert.ok(value !== undefined);
      this.writes.push({ name: nameOf(name), value });
      const result = this.onWrite(nameOf(name), value);
      if (result === "nothing") return "nothing";
      results.push(result);
    }
    return { service: "write", results };
  }
}

export function nameOf(name: ObjectName): string {
  return name.scope === "domain" ? `${name.domain}/${name.item}` : name.item;
}
