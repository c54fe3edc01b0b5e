import { assert } from "../domain/assert.ts";
import type {
  BoundPoint,
  CompiledProfile,
  ModbusFacts,
  ReadBinding,
  WriteBinding,
} from "../profiles/binding.ts";
import type { RegisterTable } from "../wire/modbus/registers.ts";
import { EXCEPTION } from "../wire/modbus/server-codec.ts";
import type { WritePlace } from "./answers.ts";
import type { ServedDevice } from "./connection.ts";
import type { Fault } from "./faults.ts";
import { fillImages, type RegisterWords } from "./initial-image.ts";
import { PointAccess } from "./point-access.ts";
import { PointPen } from "./point-pen.ts";
import { KeepAliveWatch } from "./keep-alive-watch.ts";
import {
  type ImageCopy,
  layoutOf,
  otherUnits,
  placesOverlap,
  RegisterImage,
  type UnitPlace,
} from "./register-image.ts";

export interface SimulatedDeviceOptions {
  readonly id: string;
  readonly profile: CompiledProfile;
  readonly unitId: number;
  /** Registers of the profile's vector `nominal`; what it leaves out starts mid-range. */
  readonly nominal: readonly RegisterWords[];
}

/** What a plant model hears of a device. Values are canonical; enums are indexes in `texts`. */
export interface DeviceListener {
  /**
   * Registers of a point were written. They show the value already; the actuator is the listener's.
   */
  onWrite?(id: string, value: number, nowMs: number): void;
  /** The setpoint's `settleMs` have passed since its last write. */
  onSettled?(id: string, value: number): void;
  /** The setpoint lapsed because its keep-alive was missing; its register is as at start. */
  onReverted?(id: string): void;
  onReboot?(): void;
}

/** A register that only takes commands shows the last one this long, then what it showed before. */
const COMMAND_MS = 1000;

/** Counted since the device was made. */
export interface DeviceCounters {
  writes: number;
  refusedWrites: number;
  ignoredWrites: number;
  reversions: number;
  reboots: number;
}

/** A point that can be written, at the place where it is written. */
interface Setpoint {
  readonly point: BoundPoint;
  readonly write: WriteBinding;
  readonly access: PointAccess;
  /** Where else the device shows what was written. */
  readonly shownAt: readonly PointAccess[];
  isHeld: boolean;
  /** Unlock steps still missing before the next write; empty when none are needed. */
  readonly missingSteps: Set<number>;
  settleAtMs: number;
}

/**
 * A device made of its profile alone: registers, limits, setpoints, interlocks, keep-alives. It
 * knows no physics: a plant model reads and sets canonical points, and hears of writes.
 */
export class SimulatedDevice implements ServedDevice {
  readonly id: string;
  readonly profile: CompiledProfile;
  readonly units: readonly number[];
  readonly facts: ModbusFacts;
  readonly identification: readonly string[];
  readonly counters: DeviceCounters = {
    writes: 0,
    refusedWrites: 0,
    ignoredWrites: 0,
    reversions: 0,
    reboots: 0,
  };
  readonly #unitId: number;
  readonly #images = new Map<number, RegisterImage>();
  readonly #accessById = new Map<string, PointAccess>();
  readonly #setpoints: readonly Setpoint[];
  readonly #keepAlives: KeepAliveWatch;
  /** Points that are read where somebody may write: modes and arming words. */
  readonly #observed: readonly PointAccess[];
  readonly #startWords = new Map<PointAccess, readonly number[]>();
  readonly #initial: readonly ImageCopy[];
  #fault: Fault | undefined;
  /** Counts what may have changed registers besides the plant model. */
  #epoch = 0;
  #absent = new Map<string, readonly number[]>();
  #downUntilMs = 0;
  #nowMs = 0;
  #listener: DeviceListener = {};

  constructor({ id, profile, unitId, nominal }: SimulatedDeviceOptions) {
    this.id = id;
    this.profile = profile;
    this.facts = profile.modbus;
    this.#unitId = unitId;
    const [manufacturer = "", model = ""] = profile.name.split("/");
    this.identification = [manufacturer, model, profile.version];
    this.#images.set(unitId, new RegisterImage(layoutOf(profile, undefined)));
    for (const unit of otherUnits(profile)) {
      if (unit !== unitId) this.#images.set(unit, new RegisterImage(layoutOf(profile, unit)));
    }
    this.units = [...this.#images.keys()];
    const imageOf = (unit: number | undefined): RegisterImage => this.#imageOf(unit);
    const accesses: PointAccess[] = [];
    for (const point of profile.points) {
      if (point.read === undefined) continue;
      const access = new PointAccess(point, point.read, imageOf);
      this.#accessById.set(point.id, access);
      accesses.push(access);
    }
    this.#setpoints = profile.points.flatMap((point) => {
      const setpoint = this.#setpointOf(point, accesses);
      return setpoint === undefined ? [] : [setpoint];
    });
    this.#keepAlives = new KeepAliveWatch(profile, unitId);
    this.#observed = accesses.filter(({ point }) => point.write === undefined);
    fillImages(
      profile,
      [...accesses, ...this.#setpoints.map(({ access }) => access)],
      imageOf,
      nominal,
    );
    this.#initial = [...this.#images.values()].map((image) => image.copy());
    for (const { access, shownAt } of this.#setpoints) {
      for (const place of [access, ...shownAt]) {
        this.#startWords.set(place, imageOf(place.binding.unit).words(place.binding));
      }
    }
  }

  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** One listener: the plant model that this device belongs to. */
  listen(listener: DeviceListener): void {
    this.#listener = listener;
  }

  has(id: string): boolean {
    return this.#accessById.has(id);
  }

  /**
   * What the registers of a point mean now; undefined when that is no value. Derived points have no
   * registers.
   */
  readPoint(id: string): number | string | undefined {
    const access = this.#accessById.get(id);
    return access?.read(this.#referenceOf(access.binding));
  }

  /** A number point, or `otherwise` when the device has no such point or no value. */
  readNumber(id: string, otherwise: number): number {
    const value = this.readPoint(id);
    return typeof value === "number" ? value : otherwise;
  }

  /**
   * Makes the registers of a point mean `value`: what physics says now. False when the device has
   * no such point, cannot say this value, or is frozen.
   */
  setPoint(id: string, value: number | string): boolean {
    if (this.#fault?.kind === "frozen" || this.#absent.has(id)) return false;
    const access = this.#accessById.get(id);
    return access?.write(value, this.#referenceOf(access.binding)) ?? false;
  }

  /** Sets an enum point by the text of its state; false when the device does not know it. */
  setState(id: string, text: string): boolean {
    const index = this.#accessById.get(id)?.point.texts?.indexOf(text) ?? -1;
    return index >= 0 && this.setPoint(id, index);
  }

  /** For a point that is set again and again; a point that the device lacks gives a pen as well. */
  pen(id: string): PointPen {
    const access = this.#accessById.get(id);
    if (access === undefined) return new PointPen(undefined);
    const { percentOf } = access.binding.conversion;
    return new PointPen({
      access,
      reference: percentOf === undefined ? undefined : () => this.#referenceOf(access.binding),
      isHeld: () => this.#fault?.kind === "frozen" || this.#absent.has(id),
      epoch: () => this.#epoch,
    });
  }

  view(unit: number, table: RegisterTable, address: number, count: number): Uint8Array | undefined {
    return this.#images.get(unit)?.view(table, address, count);
  }

  /** A write from the wire: 0 when it was done (or pretended to be), else the exception. */
  write(unit: number, { table, address }: WritePlace, values: readonly number[]): number {
    const image = this.#images.get(unit);
    if (image?.isWritable(table, address, values.length) !== true) {
      return this.#refuse(EXCEPTION.illegalAddress);
    }
    if (this.#fault?.kind === "write-ignored") {
      this.counters.ignoredWrites += 1;
      return 0;
    }
    const place = { unit, table, address, count: values.length };
    const touched = this.#setpoints.filter(({ write }) =>
      placesOverlap(place, { ...write, count: write.count * write.copies }, this.#unitId),
    );
    if (touched.some((setpoint) => !this.#isAllowed(setpoint))) {
      return this.#refuse(EXCEPTION.deviceFailure);
    }
    const before = image.words(place);
    image.setWords(place, values);
    if (touched.some((setpoint) => !this.#isPlausible(setpoint))) {
      image.setWords(place, before);
      return this.#refuse(EXCEPTION.illegalValue);
    }
    this.counters.writes += 1;
    this.#epoch += 1;
    this.#keepAlives.noteWrite(place, before, values, this.#nowMs);
    this.#noteSteps(place, values);
    for (const access of this.#observed) {
      if (placesOverlap(place, access.binding, this.#unitId)) this.#observe(access);
    }
    for (const setpoint of touched) this.#take(setpoint);
    return 0;
  }

  /** Lets time act: lapsed keep-alives, settled setpoints, the end of a reboot. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#fault?.kind === "reboot" && nowMs >= this.#downUntilMs) this.#fault = undefined;
    for (const setpoint of this.#setpoints) {
      if (setpoint.isHeld && this.#keepAlives.isLapsed(setpoint.write.keepAlive, nowMs))
        this.#revert(setpoint);
      if (nowMs >= setpoint.settleAtMs) {
        this.#settle(setpoint);
      }
    }
  }

  /** Sets or clears (undefined) the fault. The server has to hear of it as well. */
  setFault(fault: Fault | undefined, nowMs: number): void {
    this.#restoreAbsent();
    this.#epoch += 1;
    this.#fault = fault;
    if (fault?.kind === "absent") this.#showAbsent(fault.points);
    if (fault?.kind === "reboot") this.#reboot(nowMs + fault.downMs);
  }

  #imageOf(unit: number | undefined): RegisterImage {
    const image = this.#images.get(unit ?? this.#unitId);
    assert(image !== undefined, `no image for unit ${unit ?? this.#unitId}`);
    return image;
  }

  #setpointOf(point: BoundPoint, accesses: readonly PointAccess[]): Setpoint | undefined {
    const { write } = point;
    if (write === undefined) return undefined;
    const imageOf = (unit: number | undefined): RegisterImage => this.#imageOf(unit);
    const access = new PointAccess(point, write, imageOf);
    if (!this.#accessById.has(point.id)) this.#accessById.set(point.id, access);
    const shownAt: PointAccess[] = [];
    if (point.read !== undefined && !isSamePlace(point.read, write)) {
      shownAt.push(new PointAccess(point, point.read, imageOf));
    }
    const back = write.readBack?.place;
    if (back !== undefined && !isSamePlace(back, write)) {
      // A point of its own at that place knows how the value is written there.
      const own = accesses.find(({ binding }) => isSamePlace(binding, back));
      const conversion = own?.binding.conversion ?? write.conversion;
      shownAt.push(new PointAccess(point, { ...back, conversion }, imageOf));
    }
    const setpoint: Setpoint = {
      point,
      write,
      access,
      shownAt,
      isHeld: false,
      missingSteps: new Set(),
      settleAtMs: Number.POSITIVE_INFINITY,
    };
    lock(setpoint);
    return setpoint;
  }

  #referenceOf({ conversion }: ReadBinding): number | undefined {
    if (conversion.percentOf === undefined) return undefined;
    const reference = this.profile.points[conversion.percentOf];
    const value = reference === undefined ? undefined : this.readPoint(reference.id);
    return typeof value === "number" ? value : undefined;
  }

  #isAllowed({ write, missingSteps }: Setpoint): boolean {
    if (missingSteps.size > 0) return false;
    return write.needs.every((name) => {
      const interlock = this.profile.interlocks.get(name);
      if (interlock === undefined) return true;
      if (interlock.ordinal !== undefined) {
        const point = this.profile.points[interlock.ordinal];
        return point === undefined || this.readPoint(point.id) === interlock.equals;
      }
      if (interlock.place === undefined) return true;
      return this.#rawAt(interlock.place) === interlock.equals;
    });
  }

  /** True when the register of a pulse holds the word that ends it. */
  #isReleased(write: WriteBinding): boolean {
    return this.#rawAt(write) === write.pulse?.release;
  }

  #rawAt(place: UnitPlace): number {
    const words = this.#imageOf(place.unit).words(place);
    return words.reduce((number, word) => number * 0x1_0000 + word, 0);
  }

  /** Inside the fixed limits. Limits that are points of the device clamp in the actuator. */
  #isPlausible(setpoint: Setpoint): boolean {
    const { write, point } = setpoint;
    if (point.type === "text" || this.#isReleased(write)) return true;
    const value = this.#valueOf(setpoint);
    if (value === undefined) return false;
    const { minimum, maximum, exclude } = write;
    const slack = 1e-6 * Math.max(1, Math.abs(value));
    if (minimum.kind === "fixed" && value < minimum.value - slack) return false;
    if (maximum.kind === "fixed" && value > maximum.value + slack) return false;
    return exclude.every(([from, to]) => value <= from + slack || value >= to - slack);
  }

  #valueOf({ access }: Setpoint): number | undefined {
    const value = access.read(this.#referenceOf(access.binding));
    return typeof value === "number" ? value : undefined;
  }

  #take(setpoint: Setpoint): void {
    const { point, write, shownAt } = setpoint;
    lock(setpoint);
    // A pulse acts when it begins; letting go of it means nothing.
    if (this.#isReleased(write)) return;
    const value = this.#valueOf(setpoint);
    if (value === undefined) return;
    for (const access of shownAt) access.write(value, this.#referenceOf(access.binding));
    if (write.keepAlive.length > 0) this.#hold(setpoint);
    this.#keepAlives.noteSetpoint(point.ordinal, this.#nowMs);
    const settleMs = point.read === undefined ? COMMAND_MS : write.settleMs;
    setpoint.settleAtMs = this.#nowMs + settleMs;
    this.#listener.onWrite?.(point.id, value, this.#nowMs);
  }

  #settle(setpoint: Setpoint): void {
    setpoint.settleAtMs = Number.POSITIVE_INFINITY;
    const value = this.#valueOf(setpoint);
    if (value !== undefined) this.#listener.onSettled?.(setpoint.point.id, value);
    if (setpoint.point.read === undefined) this.#resetPoint(setpoint.access);
  }

  #observe(access: PointAccess): void {
    const value = access.read(this.#referenceOf(access.binding));
    if (typeof value !== "number") return;
    this.#listener.onWrite?.(access.point.id, value, this.#nowMs);
  }

  #hold(setpoint: Setpoint): void {
    if (setpoint.isHeld) return;
    setpoint.isHeld = true;
    this.#keepAlives.begin(setpoint.write.keepAlive, this.#nowMs);
  }

  #noteSteps(place: UnitPlace, values: readonly number[]): void {
    for (const { write, missingSteps } of this.#setpoints) {
      for (const index of missingSteps) {
        const step = write.before[index];
        if (step === undefined) continue;
        if (!placesOverlap(place, step, this.#unitId)) continue;
        const from = step.address - place.address;
        if (step.raw.every((word, at) => values[from + at] === word)) missingSteps.delete(index);
      }
    }
  }

  #revert(setpoint: Setpoint): void {
    setpoint.isHeld = false;
    setpoint.settleAtMs = Number.POSITIVE_INFINITY;
    this.counters.reversions += 1;
    for (const access of [setpoint.access, ...setpoint.shownAt]) this.#resetPoint(access);
    this.#listener.onReverted?.(setpoint.point.id);
  }

  /** The registers of a point as they were at start. */
  #resetPoint(access: PointAccess): void {
    const words = this.#startWords.get(access);
    assert(words !== undefined, "every setpoint has had its first value");
    this.#epoch += 1;
    this.#imageOf(access.binding.unit).setWords(access.binding, words);
  }

  #reboot(untilMs: number): void {
    this.#downUntilMs = untilMs;
    this.counters.reboots += 1;
    for (const [index, image] of [...this.#images.values()].entries()) {
      image.restore(this.#initial[index] ?? image.copy());
    }
    for (const setpoint of this.#setpoints) {
      setpoint.isHeld = false;
      setpoint.settleAtMs = Number.POSITIVE_INFINITY;
      lock(setpoint);
    }
    this.#listener.onReboot?.();
  }

  #showAbsent(points: readonly string[] | undefined): void {
    for (const [id, access] of this.#accessById) {
      if (points !== undefined && !points.includes(id)) continue;
      const words = this.#imageOf(access.binding.unit).words(access.binding);
      if (access.write(undefined, undefined)) this.#absent.set(id, words);
    }
  }

  #restoreAbsent(): void {
    for (const [id, words] of this.#absent) {
      const binding = this.#accessById.get(id)?.binding;
      if (binding !== undefined) this.#imageOf(binding.unit).setWords(binding, words);
    }
    this.#absent = new Map();
  }

  #refuse(exception: number): number {
    this.counters.refusedWrites += 1;
    return exception;
  }
}

/** The next write needs its unlock steps again. */
function lock({ write, missingSteps }: Setpoint): void {
  for (const [index, step] of write.before.entries()) {
    if (step.when === "each") missingSteps.add(index);
  }
}

function isSamePlace(a: UnitPlace, b: UnitPlace): boolean {
  return a.table === b.table && a.address === b.address && a.unit === b.unit;
}
