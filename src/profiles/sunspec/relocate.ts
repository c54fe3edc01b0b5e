import type {
  BoundPoint,
  CompiledProfile,
  Conversion,
  Interlock,
  KeepAlive,
  ReadBinding,
  RegisterPlace,
  RelocateResult,
  SunspecModelPlace,
  WriteBinding,
  WriteStep,
} from "../binding.ts";
import { HEADER_REGISTERS } from "./models.ts";

/** Where a device really keeps its models, as the driver read it at connect. */
export interface FoundChain {
  readonly base: number;
  readonly models: readonly SunspecModelPlace[];
}

/**
 * Moves every place of a profile that belongs to a SunSpec model to where this device has it. The
 * profile itself stays as it is. A problem when a model that the profile uses is not there, or is
 * shorter than the registers that the profile uses of it. Of two models with one number the first
 * counts.
 */
export function relocate(profile: CompiledProfile, found: FoundChain): RelocateResult {
  const { sunspec } = profile;
  if (sunspec === undefined) return { problem: `${profile.name} is not a SunSpec profile` };
  const mover = new Mover(sunspec.models, found.models);
  const points = profile.points.map((point) => mover.point(point));
  const interlocks = mapValues(profile.interlocks, (interlock) => mover.interlock(interlock));
  const keepAlives = mapValues(profile.keepAlives, (keepAlive) => mover.keepAlive(keepAlive));
  if (mover.problem !== undefined) return { problem: mover.problem };
  const chain = { ...sunspec, base: found.base, models: found.models };
  return { profile: { ...profile, points, interlocks, keepAlives, sunspec: chain } };
}

class Mover {
  problem: string | undefined;
  readonly #expected = new Map<number, SunspecModelPlace>();
  readonly #found = new Map<number, SunspecModelPlace>();

  constructor(expected: readonly SunspecModelPlace[], found: readonly SunspecModelPlace[]) {
    for (const place of expected) this.#expected.set(place.model, place);
    for (const place of found.toReversed()) this.#found.set(place.model, place);
  }

  point(point: BoundPoint): BoundPoint {
    const read = point.read === undefined ? undefined : this.#read(point.read);
    const write = point.write === undefined ? undefined : this.#write(point.write);
    return { ...point, read, write };
  }

  interlock(interlock: Interlock): Interlock {
    const place = interlock.place === undefined ? undefined : this.#move(interlock.place);
    return { ...interlock, place };
  }

  keepAlive(keepAlive: KeepAlive): KeepAlive {
    const { action } = keepAlive;
    if (action.kind === "repeat") return keepAlive;
    return { ...keepAlive, action: { ...action, place: this.#move(action.place) } };
  }

  #read(read: ReadBinding): ReadBinding {
    return { ...this.#move(read), conversion: this.#conversion(read.conversion) };
  }

  #write(write: WriteBinding): WriteBinding {
    const { readBack } = write;
    const place = readBack?.place === undefined ? undefined : this.#move(readBack.place);
    return {
      ...this.#move(write),
      conversion: this.#conversion(write.conversion),
      readBack: readBack === undefined ? undefined : { ...readBack, place },
      before: write.before.map((step) => this.#step(step)),
      after: write.after.map((step) => this.#step(step)),
    };
  }

  #step(step: WriteStep): WriteStep {
    return this.#move(step);
  }

  #conversion(conversion: Conversion): Conversion {
    const { sf } = conversion;
    if (sf?.place === undefined) return conversion;
    return { ...conversion, sf: { ...sf, place: this.#move(sf.place) } };
  }

  #move<T extends RegisterPlace>(place: T): T {
    if (place.model === undefined) return place;
    const expected = this.#expected.get(place.model);
    const found = this.#found.get(place.model);
    if (expected === undefined || found === undefined) {
      this.problem ??= `SunSpec model ${place.model} is missing`;
      return place;
    }
    const offset = place.address - expected.address;
    if (offset + place.count > found.length + HEADER_REGISTERS) {
      this.problem ??= `SunSpec model ${place.model} is shorter than the profile needs`;
    }
    return { ...place, address: found.address + offset };
  }
}

function mapValues<V>(
  map: ReadonlyMap<string, V>,
  change: (value: V) => V,
): ReadonlyMap<string, V> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
