import assert from "node:assert/strict";
import { Association } from "../../../../src/simulator/iec61850/association.ts";
import { IedDevice, type IedHooks } from "../../../../src/simulator/iec61850/device.ts";
import type { IedModel } from "../../../../src/simulator/iec61850/model.ts";
import {
  type AssociationAnswer,
  decodeAssociationAnswer,
  decodeUnit,
  DEFAULT_CALLED,
  DEFAULT_CALLING,
  encodeAssociationRequest,
  encodeMms,
  encodeRelease,
  type Unit,
} from "../../../../src/wire/mms/association.ts";
import { buildControl, type ControlCommand } from "../../../../src/wire/mms/control.ts";
import {
  decodeTpdu,
  encodeTpdu,
  segmentTsdu,
  TsduAssembler,
} from "../../../../src/wire/mms/cotp.ts";
import { additionalCauseWord } from "../../../../src/wire/mms/error-words.ts";
import { ourInitiate } from "../../../../src/wire/mms/initiate.ts";
import { byNames, type ObjectName } from "../../../../src/wire/mms/object-name.ts";
import type { InformationReport, MmsPdu } from "../../../../src/wire/mms/pdu.ts";
import type { ContextIds } from "../../../../src/wire/mms/presentation.ts";
import { decodeReport, isReport, type Report } from "../../../../src/wire/mms/report.ts";
import type { MmsRequest } from "../../../../src/wire/mms/request.ts";
import type { MmsResponse, WriteResult } from "../../../../src/wire/mms/response.ts";
import { controlNoticeOf } from "../../../../src/wire/mms/termination.ts";
import { encodeTpkt, TpktFramer } from "../../../../src/wire/mms/tpkt.ts";
import type { AccessResult, MmsValue } from "../../../../src/wire/mms/value.ts";
import { SimClock } from "../../../support/sim-clock.ts";
import { STATION } from "./station.ts";

export const LD = "DCPIBESS1";

/** A simulated IED in simulated time, without sockets. */
export class Bench {
  readonly clock = new SimClock();
  readonly stop = new AbortController();
  readonly device: IedDevice;

  constructor(options: { readonly hooks?: IedHooks; readonly model?: IedModel } = {}) {
    const { hooks = {}, model = STATION } = options;
    const terms = { model, clock: this.clock, hooks, firstEntry: 1 };
    this.device = new IedDevice(terms, this.stop.signal);
  }

  /** A client whose association stands. */
  client(options: ClientOptions = {}): TableClient {
    const client = new TableClient(this, options);
    client.connect();
    assert.equal(client.associate().result, "associated");
    return client;
  }

  /** Lets what is due at this very moment happen. */
  async settle(): Promise<void> {
    await this.clock.advance(0);
  }

  set(reference: string, value: boolean | number): void {
    this.device.update([{ reference: `${LD}/${reference}`, value }]);
  }
}

export interface ClientOptions {
  readonly pduOctets?: number;
  readonly address?: readonly number[];
  readonly password?: string;
  readonly serverPassword?: string;
}

/** The other side of an association, in the same turn: a request is answered when it returns. */
export class TableClient {
  readonly association: Association;
  readonly #options: ClientOptions;
  readonly #framer = new TpktFramer();
  readonly #assembler = new TsduAssembler(1_000_000);
  readonly #tsdus: Uint8Array[] = [];
  /** Everything that came, in its order. */
  readonly pdus: MmsPdu[] = [];
  readonly units: Unit["unit"][] = [];
  ids: ContextIds | undefined;
  end: "open" | "ended" | "reset" = "open";
  unsentOctets = 0;
  octetsReceived = 0;
  #invokeId = 0;

  constructor(bench: Bench, options: ClientOptions) {
    this.#options = options;
    const { serverPassword } = options;
    const received = (octets: Uint8Array): void => {
      this.#receive(octets);
    };
    const finish = (end: "ended" | "reset"): void => {
      if (this.end === "open") this.end = end;
    };
    const unsent = (): number => this.unsentOctets;
    this.association = new Association({
      device: bench.device,
      address: Uint8Array.from(options.address ?? [10, 0, 0, 1]),
      pduOctets: 65_000,
      password: serverPassword === undefined ? undefined : Buffer.from(serverPassword),
      output: {
        write: received,
        end: () => {
          finish("ended");
        },
        reset: () => {
          finish("reset");
        },
        get unsentOctets() {
          return unsent();
        },
      },
    });
  }

  connect(): void {
    this.send(
      encodeTpkt(
        encodeTpdu({
          type: "connect-request",
          destinationReference: 0,
          sourceReference: 7,
          tpduOctets: 8192,
          callingSelector: Uint8Array.of(0, 1),
          calledSelector: Uint8Array.of(0, 1),
        }),
      ),
    );
  }

  associate(): AssociationAnswer {
    const { pduOctets = 65_000, password } = this.#options;
    const limits = { pduOctets, outstandingCalling: 5, outstandingCalled: 5, nesting: 10 };
    const tsdu = encodeAssociationRequest({
      calling: DEFAULT_CALLING,
      called: DEFAULT_CALLED,
      password: password === undefined ? undefined : Buffer.from(password),
      initiate: ourInitiate(limits, ["read", "write", "getNameList", "informationReport"]),
    });
    this.send(segmentTsdu(tsdu, 8192));
    const [answer] = this.#tsdus.splice(0);
    assert.ok(answer !== undefined, "the association is answered");
    const decoded = decodeAssociationAnswer(answer);
    if (decoded.result === "associated") this.ids = decoded.ids;
    return decoded;
  }

  release(): void {
    assert.ok(this.ids);
    this.send(segmentTsdu(encodeRelease(this.ids, "release-request"), 8192));
  }

  /** The link is lost. */
  lose(): void {
    this.association.ended();
  }

  send(octets: Uint8Array): void {
    this.association.receive(octets);
  }

  sendPdu(pdu: MmsPdu): void {
    assert.ok(this.ids);
    this.send(segmentTsdu(encodeMms(this.ids, pdu), 8192));
  }

  /** @returns the answer; undefined when there is none */
  ask(request: MmsRequest): MmsPdu | undefined {
    this.#invokeId += 1;
    const invokeId = this.#invokeId;
    this.sendPdu({ kind: "confirmed-request", invokeId, request });
    const at = this.pdus.findIndex((pdu) => "invokeId" in pdu && pdu.invokeId === invokeId);
    return at < 0 ? undefined : this.pdus.splice(at, 1)[0];
  }

  response<S extends MmsResponse["service"]>(
    service: S,
    request: MmsRequest,
  ): Extract<MmsResponse, { service: S }> {
    const answer = this.ask(request);
    assert.equal(answer?.kind, "confirmed-response", JSON.stringify(answer));
    assert.equal(answer.response.service, service);
    return answer.response as Extract<MmsResponse, { service: S }>;
  }

  /** @param item `MMXU1$MX$TotW` */
  read(item: string): AccessResult {
    const access = byNames([name(item)]);
    const { results } = this.response("read", {
      service: "read",
      isSpecificationWanted: false,
      access,
    });
    assert.equal(results.length, 1);
    return results[0]!;
  }

  /** The plain content of what `read` gives. */
  value(item: string): unknown {
    const result = this.read(item);
    return "value" in result ? result.value : result;
  }

  write(item: string, value: MmsValue): WriteResult | undefined {
    const answer = this.ask({ service: "write", access: byNames([name(item)]), values: [value] });
    if (answer === undefined) return undefined;
    assert.ok(answer.kind === "confirmed-response" && answer.response.service === "write");
    return answer.response.results[0];
  }

  /** A field of a report block: `LLN0$BR$brcbEvt01`. */
  set(block: string, field: string, value: boolean | number | string | MmsValue): WriteResult {
    const result = this.write(`${block}$${field}`, plain(field, value));
    assert.ok(result !== undefined);
    return result;
  }

  /** Reports that came since the last time. */
  reports(dataSetSize: number): readonly Report[] {
    return this.#take(isReport).map((information) => {
      const decoded = decodeReport(information, dataSetSize);
      assert.ok(decoded.result === "report", JSON.stringify(decoded));
      return decoded.report;
    });
  }

  /** What came about commands since the last time, in words. */
  notices(): readonly string[] {
    return this.#take((information) => !isReport(information)).map((information) => {
      const notice = controlNoticeOf(information);
      assert.ok(notice !== undefined);
      const { error } = notice;
      const cause = error === undefined ? "" : ` ${additionalCauseWord(error.additionalCause)}`;
      return `${notice.notice}${cause}`;
    });
  }

  /** @param object `DRCC1$CO$OutWSet` */
  command(
    object: string,
    service: "SBOw" | "Oper" | "Cancel",
    command: Partial<ControlCommand>,
  ): WriteResult | undefined {
    const { type } = this.response("getVariableAccessAttributes", {
      service: "getVariableAccessAttributes",
      name: name(`${object}$${service}`),
    });
    const built = buildControl(type, { ...COMMAND, ...command });
    assert.ok(built.result === "built", JSON.stringify(built));
    return this.write(`${object}$${service}`, built.value);
  }

  #take(isWanted: (information: InformationReport) => boolean): readonly InformationReport[] {
    const taken: InformationReport[] = [];
    for (const pdu of this.pdus.splice(0)) {
      if (pdu.kind === "information-report" && isWanted(pdu.report)) taken.push(pdu.report);
      else this.pdus.push(pdu);
    }
    return taken;
  }

  #receive(octets: Uint8Array): void {
    this.octetsReceived += octets.length;
    this.#framer.push(octets, (frame) => {
      const tpdu = decodeTpdu(frame);
      if (tpdu.type !== "data") return;
      const tsdu = this.#assembler.push(tpdu);
      if (tsdu === undefined) return;
      if (this.ids === undefined) {
        this.#tsdus.push(tsdu.slice());
        return;
      }
      const unit = decodeUnit(tsdu.slice(), this.ids);
      this.units.push(unit.unit);
      if (unit.unit === "mms") this.pdus.push(unit.pdu);
    });
  }
}

const GOOD_CLOCK = {
  isLeapSecondKnown: true,
  hasClockFailure: false,
  isNotSynchronised: false,
  accuracyBits: 10,
};

/** What a command is unless a test says otherwise. */
export const COMMAND: ControlCommand = {
  value: true,
  origin: { category: 3, identification: "dcpi-gw" },
  number: 1,
  time: { utcMs: Date.UTC(2026, 0, 1), quality: GOOD_CLOCK },
  isTest: false,
  isInterlockChecked: false,
  isSynchronismChecked: false,
  operateAt: undefined,
};

/** A name in the first logical device, or `LD/item` in another. */
export function name(item: string): ObjectName {
  const slash = item.indexOf("/");
  return slash < 0
    ? { scope: "domain", domain: LD, item }
    : { scope: "domain", domain: item.slice(0, slash), item: item.slice(slash + 1) };
}

function plain(field: string, value: boolean | number | string | MmsValue): MmsValue {
  switch (typeof value) {
    case "boolean":
      return { kind: "boolean", value };
    case "number":
      return { kind: field === "ResvTms" ? "integer" : "unsigned", value };
    case "string":
      return { kind: "text", value };
    default:
      return value;
  }
}
