import { assert } from "../../domain/assert.ts";
import type { FunctionalConstraint } from "../../wire/mms/names.ts";
import type { WriteResult } from "../../wire/mms/response.ts";
import type { NamedType, TypeSpec } from "../../wire/mms/type-spec.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import { isSameValue } from "./attribute-type.ts";
import type { Client } from "./client.ts";
import type { AttributeTrigger } from "./model.ts";

/** Who wants to know when a variable, or a part of it, changes. */
export interface Watcher {
  changed(index: number, trigger: Exclude<AttributeTrigger, "none">): void;
}

interface Watch {
  readonly watcher: Watcher;
  readonly index: number;
}

/** What is special when a client touches this very variable, not one around it. */
export interface SpecialAccess {
  readonly read?: (client: Client) => MmsValue;
  readonly write?: (client: Client, value: MmsValue) => WriteResult;
}

/** A named variable of MMS: a leaf with a value, or a structure of such. */
export class Variable {
  readonly name: string;
  readonly parent: Variable | undefined;
  /** Undefined for a whole logical node. */
  readonly fc: FunctionalConstraint | undefined;
  readonly item: string;
  readonly members: Variable[] = [];
  special: SpecialAccess | undefined;
  trigger: AttributeTrigger = "none";
  readonly #leafType: TypeSpec | undefined;
  #type: TypeSpec | undefined;
  #leafCount: number | undefined;
  #value: MmsValue | undefined;
  #source: (() => MmsValue) | undefined;
  #watches: readonly Watch[] = [];

  constructor(
    name: string,
    parent: Variable | undefined,
    leaf?: { readonly type: TypeSpec; readonly value: MmsValue },
  ) {
    this.name = name;
    this.parent = parent;
    // The second level of a name is the functional constraint.
    this.fc = parent === undefined ? undefined : (parent.fc ?? (name as FunctionalConstraint));
    this.item = parent === undefined ? name : `${parent.item}$${name}`;
    this.#leafType = leaf?.type;
    this.#value = leaf?.value;
    parent?.members.push(this);
  }

  get type(): TypeSpec {
    if (this.#leafType !== undefined) return this.#leafType;
    this.#type ??= {
      kind: "structure",
      members: this.members.map((member): NamedType => {
        return { name: member.name, type: member.type };
      }),
    };
    return this.#type;
  }

  get isLeaf(): boolean {
    return this.#leafType !== undefined;
  }

  /** Values below, or this one. */
  get leafCount(): number {
    this.#leafCount ??= this.isLeaf
      ? 1
      : this.members.reduce((sum, member) => sum + member.leafCount, 0);
    return this.#leafCount;
  }

  /** The value at this moment, immutable. */
  get value(): MmsValue {
    if (this.#source !== undefined) return this.#source();
    if (this.#value !== undefined) return this.#value;
    return { kind: "structure", members: this.members.map((member) => member.value) };
  }

  /** The value comes from elsewhere whenever it is asked for. */
  follow(source: () => MmsValue): void {
    this.#source = source;
  }

  member(name: string): Variable | undefined {
    return this.members.find((member) => member.name === name);
  }

  /** Sets this value, or those of its members, and tells the watchers what that triggers. */
  set(value: MmsValue): void {
    if (!this.isLeaf) {
      assert(value.kind === "structure", "a structure takes the value of one");
      for (const [at, member] of this.members.entries()) {
        const part = value.members[at];
        assert(part !== undefined, "the value fits the type");
        member.set(part);
      }
      return;
    }
    const isChanged = this.#value === undefined || !isSameValue(this.#value, value);
    this.#value = value;
    const { trigger } = this;
    if (trigger !== "none" && (isChanged || trigger === "data-update")) this.#tell(trigger);
  }

  #tell(trigger: Exclude<AttributeTrigger, "none">): void {
    for (const { watcher, index } of this.#watches) watcher.changed(index, trigger);
    if (this.parent !== undefined) this.parent.#tell(trigger);
  }

  /** @returns what ends it */
  watch(watcher: Watcher, index: number): () => void {
    const watch = { watcher, index };
    this.#watches = [...this.#watches, watch];
    return () => {
      this.#watches = this.#watches.filter((other) => other !== watch);
    };
  }
}
