import { assert } from "../../domain/assert.ts";
import type { CompiledProfile } from "../../profiles/binding.ts";
import type { Iec61850Facts, NodeConversion, NodeWrite } from "../../profiles/binding-iec61850.ts";
import { codeOfValue } from "../../profiles/conversion.ts";
import { nodeScale } from "../../profiles/node-value.ts";
import type { ControlRequest } from "./control-request.ts";
import type { IedDevice } from "./device.ts";
import type { MmsFault } from "./fault.ts";
import type { AttributeValue } from "./model.ts";
import { modelOfProfile, type PointPlace, type ProfileModel } from "./profile-model.ts";
import { type MmsServer, type MmsServerOptions, startMmsServer } from "./server.ts";

/** Hears of commands that were carried out: canonical; a state is its index in `texts`. */
export type StationListener = (id: string, value: number) => void;

export interface StationOptions {
  readonly id: string;
  readonly profile: CompiledProfile;
  readonly facts: Iec61850Facts;
}

/** A device of IEC 61850 made of its profile alone; a plant model sets its points. */
export class SimulatedStation {
  readonly id: string;
  readonly profile: CompiledProfile;
  readonly #facts: Iec61850Facts;
  readonly #made: ProfileModel;
  readonly #places: ReadonlyMap<string, PointPlace>;
  /** What the model has, by reference. */
  readonly #shown = new Map<string, AttributeValue>();
  readonly #waiting = new Map<string, AttributeValue>();
  #device: IedDevice | undefined;
  #listener: StationListener = () => undefined;
  /** Values stand still while the device answers. */
  #isFrozen = false;

  constructor({ id, profile, facts }: StationOptions) {
    this.id = id;
    this.profile = profile;
    this.#facts = facts;
    this.#made = modelOfProfile(profile, facts);
    this.#places = new Map(
      this.#made.places.map((place) => [profile.points[place.ordinal]?.id ?? "", place]),
    );
  }

  /** Undefined until it is served. */
  get device(): IedDevice | undefined {
    return this.#device;
  }

  listen(listener: StationListener): void {
    this.#listener = listener;
  }

  has(id: string): boolean {
    return this.#places.has(id);
  }

  /** Serves the device until the signal aborts. @throws GatewayError PORT_IN_USE */
  async open(
    at: Pick<MmsServerOptions, "host" | "port" | "clock" | "tls" | "password">,
    signal: AbortSignal,
  ): Promise<MmsServer> {
    const server = await startMmsServer(
      {
        ...at,
        model: this.#made.model,
        hooks: {
          operated: (request) => {
            this.#operated(request);
          },
        },
      },
      signal,
    );
    this.#device = server.device;
    this.flush();
    return server;
  }

  /** A number or flag in its canonical unit; it shows with the next `flush`. */
  setPoint(id: string, value: number): void {
    const place = this.#places.get(id);
    const raw = place === undefined ? undefined : rawOf(place.conversion, value);
    if (place === undefined || raw === undefined) return;
    const plain =
      place.type === "boolean"
        ? raw !== 0
        : place.type === "float32"
          ? Math.fround(raw)
          : Math.round(raw);
    if (this.#shown.get(place.reference) === plain) this.#waiting.delete(place.reference);
    else this.#waiting.set(place.reference, plain);
  }

  /** A state by its text; one that the profile does not have is left alone. */
  setState(id: string, text: string): void {
    const point = this.profile.points.find((candidate) => candidate.id === id);
    const index = point?.texts?.indexOf(text) ?? -1;
    if (index >= 0) this.setPoint(id, index);
  }

  /** Shows what was set since the last time, in one moment: one report. */
  flush(): void {
    if (this.#device === undefined || this.#isFrozen || this.#waiting.size === 0) return;
    const updates = [...this.#waiting].map(([reference, value]) => ({ reference, value }));
    for (const { reference, value } of updates) this.#shown.set(reference, value);
    this.#waiting.clear();
    this.#device.update(updates);
  }

  /** Something begins to be wrong; undefined: everything is right again. */
  setFault(fault: MmsFault | { readonly kind: "frozen" } | undefined): void {
    this.#isFrozen = fault?.kind === "frozen";
    this.#device?.heal();
    if (fault !== undefined && fault.kind !== "frozen") this.#device?.inject(fault);
  }

  #operated({ reference, command }: ControlRequest): void {
    if (command === undefined) return;
    const entry = [...this.#facts.writes].find(([, write]) => nameOf(write) === reference);
    if (entry === undefined) return;
    const [ordinal, { conversion }] = entry;
    const point = this.profile.points[ordinal];
    assert(point !== undefined, "a write is of a point of the profile");
    const value = canonicalOf(conversion, plainNumber(command.value));
    // The feedback stands in the model already.
    const place = this.#places.get(point.id);
    if (place !== undefined) this.#shown.delete(place.reference);
    if (value !== undefined) this.#listener(point.id, value);
  }
}

function nameOf({ target }: NodeWrite): string {
  if (target.kind === "value") return "";
  return `${target.object.ld}/${[target.object.ln, ...target.object.path].join(".")}`;
}

function rawOf(conversion: NodeConversion, value: number): number | undefined {
  const { codes, isActiveLow, kind } = conversion;
  if (codes !== undefined) return codeOfValue(codes, value);
  if (kind === "flag") return (value === 1) === isActiveLow ? 0 : 1;
  const scale = nodeScale(conversion);
  return scale === undefined ? undefined : (value - scale.offset) / scale.factor;
}

function canonicalOf(conversion: NodeConversion, raw: number): number | undefined {
  const { codes, isActiveLow, kind } = conversion;
  if (codes !== undefined) return codes.get(raw);
  if (kind === "flag") return (raw !== 0) === isActiveLow ? 0 : 1;
  const scale = nodeScale(conversion);
  return scale === undefined ? undefined : raw * scale.factor + scale.offset;
}

function plainNumber(value: NonNullable<ControlRequest["command"]>["value"]): number {
  if (typeof value !== "object") return Number(value);
  if (value.kind === "structure") {
    const [only] = value.members;
    return only === undefined ? Number.NaN : plainNumber(only);
  }
  return "value" in value ? Number(value.value) : Number.NaN;
}
