import { assert } from "../../domain/assert.ts";
import { GatewayError } from "../../domain/errors.ts";
import { isBad, qualityCode } from "../../domain/quality.ts";
import type { RoundColumns } from "../../domain/round.ts";
import type { Clock } from "../../domain/time.ts";
import type { ReadBack, Setpoint, WriteOutcome } from "../../domain/write.ts";
import type { BoundPoint, CompiledProfile } from "../../profiles/binding.ts";
import type {
  Iec61850Facts,
  NodeConversion,
  NodeTarget,
  NodeWrite,
} from "../../profiles/binding-iec61850.ts";
import { interlockHolds } from "../../profiles/encode.ts";
import {
  encodeNodeValue,
  nodeScale,
  type NodeScale,
  takeNodeValue,
} from "../../profiles/node-value.ts";
import type { Reference } from "../../wire/mms/names.ts";
import { valueOfType } from "../../wire/mms/type-fit.ts";
import { memberType, type TypeSpec } from "../../wire/mms/type-spec.ts";
import { type DeviceModel, placeOfTarget } from "./device-model.ts";
import { type Association, type CallTerms, CONTROL_MODELS, type ControlModel } from "./engine.ts";
import { type LiveNode, nodeKey } from "./live-node.ts";
import type { NodeWatch } from "./node-watch.ts";
import { type Sent, sentOfControl, sentOfWrite } from "./outcome.ts";
import { scalarOf } from "./scalar.ts";

/** Between two reads of a read-back. */
const READ_BACK_EVERY_MS = 50;
const GOOD_FOR_NOW = 0;
const NEVER_READ = qualityCode("never-read");

export interface CommanderParts {
  readonly association: Association;
  readonly profile: CompiledProfile;
  readonly facts: Iec61850Facts;
  readonly model: DeviceModel;
  readonly watch: NodeWatch;
  readonly clock: Clock;
  /** Of the device as last read, by ordinal. */
  readonly columns: RoundColumns;
}

/** A point that may be written, with its rule. */
export interface Writable {
  readonly point: BoundPoint;
  readonly write: NodeWrite;
}

interface Feedback {
  readonly place: Reference | undefined;
  readonly conversion: NodeConversion;
  readonly scale: NodeScale;
}

interface Ready extends Writable {
  readonly raw: number | boolean;
  readonly value: number;
}

/** Writes setpoints and gives commands in one association, each point one at a time. */
export class Commander {
  readonly #parts: CommanderParts;
  readonly #turns = new Map<number, Promise<unknown>>();
  readonly #sentAt = new Map<number, number>();
  readonly #models = new Map<number, ControlModel | undefined>();
  readonly #nodes: ReadonlyMap<number, LiveNode>;
  readonly #shown: RoundColumns;

  constructor(parts: CommanderParts) {
    this.#parts = parts;
    this.#nodes = new Map(parts.model.nodes.map((node) => [node.point.ordinal, node]));
    const count = parts.profile.points.length;
    this.#shown = {
      values: new Float64Array(count),
      quality: new Uint8Array(count).fill(NEVER_READ),
      texts: new Map(),
    };
  }

  /** Sends once and, unless it is cyclic, looks whether it was followed. */
  async write(writable: Writable, setpoint: Setpoint, signal: AbortSignal): Promise<WriteOutcome> {
    return this.#inTurn(writable.point.ordinal, async () =>
      this.#write(writable, setpoint, signal),
    );
  }

  /** Sends what is known to be allowed once more, without looking. */
  async send(writable: Writable, value: number, signal: AbortSignal): Promise<Sent> {
    return this.#inTurn(writable.point.ordinal, async () => {
      const ready = await this.#prepared(writable, { value, isCyclic: false }, signal);
      return ready instanceof GatewayError
        ? { result: "refused", error: ready }
        : this.#transmit(ready, signal);
    });
  }

  /** What the device shows of a setpoint now; undefined when it cannot be seen. */
  async shown({ point, write }: Writable, signal: AbortSignal): Promise<number | undefined> {
    const { place, conversion, scale } = this.#feedbackOf({ point, write });
    if (place === undefined) return undefined;
    const [value] = await this.#parts.association.read([place], { signal });
    if (value === undefined || value.kind === "error") return undefined;
    takeNodeValue(
      { point: { ...point, range: undefined }, conversion, scale, quality: GOOD_FOR_NOW },
      scalarOf(value),
      this.#shown,
    );
    const isShown = !isBad(this.#shown.quality[point.ordinal] ?? NEVER_READ);
    return isShown ? this.#shown.values[point.ordinal] : undefined;
  }

  /** Another place by the profile's word, or where the point is read. */
  #feedbackOf({ point, write }: Writable): Feedback {
    const node = this.#nodes.get(point.ordinal);
    const place = write.feedback?.place;
    if (place === undefined && node !== undefined) {
      return { place: node.value, conversion: node.conversion, scale: node.scale };
    }
    return { place, conversion: write.conversion, scale: this.#scaleOf({ point, write }) };
  }

  async #inTurn<T>(ordinal: number, task: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(ordinal) ?? Promise.resolve();
    const own = before.then(task, task);
    this.#turns.set(
      ordinal,
      own.catch(() => undefined),
    );
    return own;
  }

  async #write(writable: Writable, setpoint: Setpoint, signal: AbortSignal): Promise<WriteOutcome> {
    const isCyclic = setpoint.confirm === "by-poll";
    const ready = await this.#prepared(writable, { value: setpoint.value, isCyclic }, signal);
    if (ready instanceof GatewayError) return { result: "refused", error: ready };
    const sent = await this.#transmit(ready, signal);
    if (sent.result === "refused") return { result: "refused", error: sent.error };
    const readBack = isCyclic ? undefined : await this.#readBack(ready, signal);
    if (sent.result === "accepted") return { result: "accepted", readBack };
    return { result: "unknown", error: sent.error, readBack };
  }

  /** Everything that has to be true before anything is sent. */
  async #prepared(
    writable: Writable,
    wanted: { readonly value: number; readonly isCyclic: boolean },
    signal: AbortSignal,
  ): Promise<Ready | GatewayError> {
    const { model, columns } = this.#parts;
    const { point, write } = writable;
    const limits = model.limits.get(point.ordinal);
    const scale = this.#scaleOf(writable);
    const encoding = encodeNodeValue(write, wanted.value, { columns, scale, limits });
    if ("refused" in encoding) return refused(encoding.refused);
    try {
      const refusal =
        this.#tooSoon(writable) ??
        this.#interlocked(write) ??
        (await this.#parts.watch.refusal(write.target, { signal })) ??
        (await this.#modelRefusal(writable, wanted.isCyclic, { signal }));
      if (refusal !== undefined) return refusal;
    } catch (error) {
      if (error instanceof GatewayError) return unsent(error);
      if (signal.aborted) return unsent(signal.reason);
      throw error;
    }
    return { ...writable, raw: encoding.raw, value: encoding.value };
  }

  #tooSoon({ point, write }: Writable): GatewayError | undefined {
    const sinceMs = this.#parts.clock.now() - (this.#sentAt.get(point.ordinal) ?? -Infinity);
    return sinceMs < write.minimumIntervalMs ? refused("too-soon") : undefined;
  }

  #interlocked({ needs }: NodeWrite): GatewayError | undefined {
    const { profile, columns } = this.#parts;
    for (const name of needs) {
      const interlock = profile.interlocks.get(name);
      assert(interlock !== undefined, `the profile has no interlock ${name}`);
      if (!interlockHolds(interlock, columns)) {
        return new GatewayError("REQUEST_REFUSED", { reason: "interlock", interlock: name });
      }
    }
    return undefined;
  }

  /** The device's own word on how the object is commanded, against the profile's. */
  async #modelRefusal(
    { point, write }: Writable,
    isCyclic: boolean,
    terms: CallTerms,
  ): Promise<GatewayError | undefined> {
    const { target } = write;
    if (target.kind === "value") return undefined;
    if (!this.#models.has(point.ordinal)) {
      this.#models.set(point.ordinal, await this.#readModel(target, terms));
    }
    const model = this.#models.get(point.ordinal);
    if (model === undefined || model === "status-only") return refused("status-only");
    if (target.model !== undefined && target.model !== model) {
      return new GatewayError("REQUEST_REFUSED", {
        reason: "another control model",
        expected: target.model,
        found: model,
      });
    }
    const isSelected = model === "sbo-normal" || model === "sbo-enhanced";
    return isCyclic && isSelected
      ? refused("selected objects take slow setpoints only")
      : undefined;
  }

  async #readModel(
    { object }: Extract<NodeTarget, { kind: "control" }>,
    terms: CallTerms,
  ): Promise<ControlModel | undefined> {
    const { ld, ln, path } = object;
    const place = { ld, ln, fc: "CF", path: [...path, "ctlModel"] } as const;
    const [value] = await this.#parts.association.read([place], terms);
    return value === undefined ? undefined : CONTROL_MODELS[Number(scalarOf(value))];
  }

  async #transmit({ point, write, raw }: Ready, signal: AbortSignal): Promise<Sent> {
    const { association, facts, clock } = this.#parts;
    const { target } = write;
    this.#sentAt.set(point.ordinal, clock.now());
    const type = this.#valueType(target);
    if (target.kind === "value") {
      const fit = type === undefined ? undefined : fitted(type, raw);
      const value = type === undefined || fit === undefined ? undefined : valueOfType(type, fit);
      if (value === undefined) return { result: "refused", error: refused("not of its type") };
      return sentOfWrite(await association.write(target.place, value, { signal }));
    }
    const value = type === undefined ? raw : fitted(type, raw);
    if (value === undefined) return { result: "refused", error: refused("not of its type") };
    const order = {
      value,
      origin: facts.origin,
      isTest: false,
      isInterlockChecked: target.isInterlockChecked,
      isSynchronismChecked: target.isSynchronismChecked,
    };
    const { terminationTimeoutMs } = facts;
    return sentOfControl(
      await association.control(target.object, order, { signal, terminationTimeoutMs }),
    );
  }

  #valueType(target: NodeTarget): TypeSpec | undefined {
    const place = placeOfTarget(target);
    const type = this.#parts.model.types.get(nodeKey(place));
    if (type === undefined) return undefined;
    const tail = target.kind === "control" ? ["Oper", "ctlVal"] : [];
    return memberType(type, [place.fc ?? "", ...place.path, ...tail]);
  }

  /** The device's own unit, where the setpoint is an object whose unit it says. */
  #scaleOf({ point, write }: Writable): NodeScale {
    const node = this.#nodes.get(point.ordinal);
    const { path, ln, ld } = placeOfTarget(write.target);
    const isOwn = node?.value.ld === ld && node.value.ln === ln && node.value.path[0] === path[0];
    const scale = isOwn ? node.scale : nodeScale(write.conversion);
    assert(scale !== undefined, "a unit that nobody overrides is the profile's");
    return scale;
  }

  /** Reads until the device shows the value or its time is over. */
  async #readBack(ready: Ready, signal: AbortSignal): Promise<ReadBack> {
    const { feedback } = ready.write;
    let last: ReadBack = { result: "unconfirmed" };
    if (feedback === undefined || !this.#parts.association.isUp) return last;
    const { clock } = this.#parts;
    const endAt = clock.now() + feedback.withinMs;
    try {
      for (;;) {
        const value = await this.shown(ready, signal);
        if (value !== undefined) {
          const isThere = Math.abs(value - ready.value) <= feedback.tolerance;
          if (isThere) return { result: "applied", value };
          last = { result: "differs", value };
        }
        const leftMs = endAt - clock.now();
        if (leftMs <= 0) return last;
        await clock.sleep(Math.min(READ_BACK_EVERY_MS, leftMs), signal);
      }
    } catch (error) {
      if (error instanceof GatewayError || signal.aborted) return last;
      throw error;
    }
  }
}

/**
 * A switch takes a flag although the profile has codes for its states; an integer no fraction.
 * Undefined for a code that is no flag: 1 for open and 2 for closed must not both mean close.
 */
function fitted(type: TypeSpec, raw: number | boolean): number | boolean | undefined {
  if (type.kind === "boolean") {
    if (typeof raw === "boolean") return raw;
    return raw === 0 || raw === 1 ? raw === 1 : undefined;
  }
  const number = Number(raw);
  const [only] = type.kind === "structure" ? type.members : [];
  const leaf = only?.type ?? type;
  return leaf.kind === "integer" || leaf.kind === "unsigned" ? Math.trunc(number) : number;
}

function refused(reason: string): GatewayError {
  return new GatewayError("REQUEST_REFUSED", { reason });
}

function unsent(cause: unknown): GatewayError {
  return new GatewayError("LINK_LOST", { sent: false }, { cause });
}
