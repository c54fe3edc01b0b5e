import type { AlarmRecord } from "./alarm-record.ts";

/**
 * The first alarm of each group: the likely cause of the others. It is marked and stays so until
 * the whole group is normal again.
 */
export class FirstOutGroups {
  readonly #groups = new Map<
    string,
    { readonly first: AlarmRecord; readonly members: Set<string> }
  >();

  /** It has begun. */
  join(record: AlarmRecord): void {
    const name = groupOf(record);
    if (name === undefined) return;
    const group = this.#groups.get(name) ?? { first: record, members: new Set<string>() };
    this.#groups.set(name, group);
    group.members.add(record.key);
    record.isFirstOut = group.first.key === record.key;
  }

  /** It is normal. */
  leave(record: AlarmRecord): void {
    const name = groupOf(record);
    const group = name === undefined ? undefined : this.#groups.get(name);
    if (name === undefined || group === undefined) return;
    group.members.delete(record.key);
    if (group.members.size === 0) this.#groups.delete(name);
  }

  /** The first of its group, where that is another one. */
  before(record: AlarmRecord): AlarmRecord | undefined {
    const name = groupOf(record);
    const first = name === undefined ? undefined : this.#groups.get(name)?.first;
    return first === undefined || first.key === record.key ? undefined : first;
  }
}

function groupOf({ rule, device }: AlarmRecord): string | undefined {
  if (rule.firstOut === undefined) return undefined;
  const { group, of } = rule.firstOut;
  return of === "site" ? group : `${group}\n${device ?? ""}`;
}
