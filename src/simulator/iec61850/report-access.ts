import { assert } from "../../domain/assert.ts";
import {
  optionBits,
  reportOptions,
  type Trigger,
  triggerBits,
  triggers,
} from "../../wire/mms/report.ts";
import type { WriteResult } from "../../wire/mms/response.ts";
import { fitsType } from "../../wire/mms/type-fit.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import type { Client } from "./client.ts";
import type { DataSet } from "./data-set.ts";
import { REFUSED } from "./refusals.ts";
import type { ReportBlock, ReportSettings } from "./report-block.ts";
import { ENTRY_ID_OCTETS, entryIdOf, FIELD_TYPES, type ReportField } from "./report-fields.ts";

/** Times that a client may ask for; a day at most, and no report storm by a period of nothing. */
const PERIOD_MS_MAX = 86_400_000;
const INTEGRITY_MS_MIN = 10;
const NO_ENTRY = new Uint8Array(ENTRY_ID_OCTETS);
const FIRST_DATE_MS = 441_763_200_000;

export interface ReportAccessTerms {
  readonly block: ReportBlock;
  /** The data set of this name that this client may use. */
  readonly findDataSet: (name: string, client: Client) => DataSet | undefined;
  /** True while the block shall seem to belong to somebody else. */
  readonly isOccupied: () => boolean;
}

/** Address that an occupied block shows as its owner (RFC 5737, section 3: for documentation). */
const STRANGER = Uint8Array.of(192, 0, 2, 1);

/**
 * What clients see of a report control block, and what they may do to it.
 *
 * @see IEC 61850-7-2, sections 17.2.2 and 17.2.4; IEC 61850-8-1, section 17.2
 */
export class ReportAccess {
  readonly block: ReportBlock;
  readonly #terms: ReportAccessTerms;

  constructor(terms: ReportAccessTerms) {
    this.block = terms.block;
    this.#terms = terms;
  }

  read(field: ReportField): MmsValue {
    const { block } = this;
    const { settings } = block;
    switch (field) {
      case "RptID":
        return { kind: "text", value: settings.reportId };
      case "DatSet":
        return { kind: "text", value: settings.dataSet?.name ?? "" };
      case "ConfRev":
        return { kind: "unsigned", value: block.configurationRevision };
      case "OptFlds":
        return { kind: "bits", ...optionBits(settings.options) };
      case "TrgOps":
        return { kind: "bits", ...triggerBits([...settings.triggers].filter(isAskable)) };
      case "BufTm":
        return { kind: "unsigned", value: settings.bufferTimeMs };
      case "IntgPd":
        return { kind: "unsigned", value: settings.integrityPeriodMs };
      case "SqNum":
        return { kind: "unsigned", value: block.sequence };
      default:
        return this.#readState(field);
    }
  }

  #readState(field: ReportField): MmsValue {
    const { block } = this;
    const { lastEntry, reservation } = block;
    switch (field) {
      case "RptEna":
        return { kind: "boolean", value: block.isEnabled };
      case "Resv":
        return { kind: "boolean", value: reservation.isExplicit || this.#terms.isOccupied() };
      case "ResvTms":
        return { kind: "integer", value: reservation.keepS };
      case "Owner":
        return { kind: "octets", bytes: this.#terms.isOccupied() ? STRANGER : reservation.owner };
      default:
        return lastEntryField(field, lastEntry);
    }
  }

  write(field: ReportField, value: MmsValue, client: Client): WriteResult {
    const { block } = this;
    if (!fitsType(FIELD_TYPES[field], value)) return REFUSED.typeInconsistent;
    if (this.#terms.isOccupied() || !block.reservation.isFreeFor(client)) {
      return REFUSED.temporarilyUnavailable;
    }
    // Who comes back within the time of his reservation has it again.
    if (block.reservation.owner.length > 0) block.reservation.take(client);
    switch (field) {
      case "RptEna":
        return this.#enable(isTrue(value), client);
      case "GI":
        return this.#interrogate(isTrue(value));
      case "ConfRev":
      case "SqNum":
      case "TimeofEntry":
      case "Owner":
        return REFUSED.accessDenied;
      default:
        return block.isEnabled ? REFUSED.temporarilyUnavailable : this.#set(field, value, client);
    }
  }

  #enable(isWanted: boolean, client: Client): WriteResult {
    const { block } = this;
    if (isWanted === block.isEnabled) return "accepted";
    if (!isWanted) {
      block.disable();
      if (!block.reservation.isExplicit) block.reservation.release();
      return "accepted";
    }
    if (block.settings.dataSet === undefined) return REFUSED.attributeInconsistent;
    block.enable(client);
    return "accepted";
  }

  #interrogate(isWanted: boolean): WriteResult {
    const { block } = this;
    if (!isWanted) return "accepted";
    if (!block.isEnabled) return REFUSED.temporarilyUnavailable;
    if (!block.settings.triggers.has("general-interrogation")) return REFUSED.accessDenied;
    block.interrogate();
    return "accepted";
  }

  #set(field: ReportField, value: MmsValue, client: Client): WriteResult {
    switch (field) {
      case "Resv":
        return this.#reserve(isTrue(value), 0, client);
      case "ResvTms": {
        const seconds = numberOf(value);
        if (seconds < 0) return REFUSED.valueInvalid;
        return this.#reserve(seconds > 0, seconds, client);
      }
      case "PurgeBuf":
        if (isTrue(value)) this.block.purge();
        return "accepted";
      case "EntryID":
        return this.#resume(value);
      case "DatSet":
        return this.#chooseDataSet(value, client);
      default:
        return this.#configure(field, value);
    }
  }

  #reserve(isWanted: boolean, keepS: number, client: Client): WriteResult {
    const { reservation } = this.block;
    if (!isWanted) {
      reservation.release();
      return "accepted";
    }
    reservation.take(client);
    reservation.isExplicit = true;
    reservation.keepS = keepS;
    return "accepted";
  }

  #resume(value: MmsValue): WriteResult {
    assert(value.kind === "octets", "an EntryID is octets");
    const { block } = this;
    if (value.bytes.every((octet) => octet === 0)) {
      block.buffer.rewind();
      return "accepted";
    }
    const id = entryIdOf(value.bytes);
    const isHeld = id !== undefined && block.resumeAfter(id);
    return isHeld ? "accepted" : REFUSED.valueInvalid;
  }

  #chooseDataSet(value: MmsValue, client: Client): WriteResult {
    const { block } = this;
    const { settings } = block;
    const name = textOf(value);
    const dataSet = name === "" ? undefined : this.#terms.findDataSet(name, client);
    if (name !== "" && dataSet === undefined) return REFUSED.valueInvalid;
    if (dataSet === settings.dataSet) return "accepted";
    block.configure({ ...settings, dataSet }, true);
    block.configurationRevision += 1;
    return "accepted";
  }

  #configure(field: ReportField, value: MmsValue): WriteResult {
    const { block } = this;
    const wanted = settingsWith(block.settings, field, value);
    if (wanted === undefined) return REFUSED.valueInvalid;
    // A client sets up its block again at every connection: only what is new costs the buffer.
    const isNew = !isSameSetting(this.read(field), value);
    if (isNew) block.configure(wanted, field !== "OptFlds");
    return "accepted";
  }
}

function lastEntryField(field: ReportField, lastEntry: ReportBlock["lastEntry"]): MmsValue {
  switch (field) {
    case "EntryID":
      return { kind: "octets", bytes: lastEntry?.id ?? NO_ENTRY };
    case "TimeofEntry":
      return { kind: "binary-time", ms: lastEntry?.utcMs ?? FIRST_DATE_MS, hasDate: true };
    default: // GI and PurgeBuf: orders, not states.
      return { kind: "boolean", value: false };
  }
}

function settingsWith(
  settings: Readonly<ReportSettings>,
  field: ReportField,
  value: MmsValue,
): ReportSettings | undefined {
  switch (field) {
    case "RptID":
      return { ...settings, reportId: textOf(value) };
    case "OptFlds":
      assert(value.kind === "bits", "options are bits");
      return { ...settings, options: reportOptions(value) };
    case "TrgOps":
      assert(value.kind === "bits", "trigger options are bits");
      return { ...settings, triggers: new Set(triggers(value)) };
    case "BufTm": {
      const bufferTimeMs = numberOf(value);
      return bufferTimeMs <= PERIOD_MS_MAX ? { ...settings, bufferTimeMs } : undefined;
    }
    case "IntgPd": {
      const integrityPeriodMs = numberOf(value);
      const isOff = integrityPeriodMs === 0;
      const isFair = integrityPeriodMs >= INTEGRITY_MS_MIN && integrityPeriodMs <= PERIOD_MS_MAX;
      return isOff || isFair ? { ...settings, integrityPeriodMs } : undefined;
    }
    default:
      return undefined;
  }
}

function isSameSetting(a: MmsValue, b: MmsValue): boolean {
  if (a.kind === "bits" && b.kind === "bits") {
    return a.bytes.every((octet, at) => octet === (b.bytes[at] ?? 0));
  }
  return "value" in a && "value" in b && a.value === b.value;
}

function isAskable(trigger: Trigger): trigger is Exclude<Trigger, "application"> {
  return trigger !== "application";
}

function isTrue(value: MmsValue): boolean {
  return value.kind === "boolean" && value.value;
}

function numberOf(value: MmsValue): number {
  assert(value.kind === "unsigned" || value.kind === "integer", "a number is one");
  return Number(value.value);
}

function textOf(value: MmsValue): string {
  assert(value.kind === "text", "a text is one");
  return value.value;
}
