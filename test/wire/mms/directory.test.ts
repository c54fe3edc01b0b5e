import assert from "node:assert/strict";
import {
  DIRECTORY_NAMES_MAX,
  DIRECTORY_OCTETS_MAX,
  DirectoryBudget,
  DirectoryParts,
} from "../../../src/wire/mms/directory.ts";
import { assertFault } from "./assert-fault.ts";

function part(moreFollows: boolean, ...names: readonly string[]) {
  return { names, moreFollows };
}

describe("a directory in parts", () => {
  it("continues after the last name until no more follows", () => {
    const parts = new DirectoryParts(new DirectoryBudget());
    assert.equal(parts.add(part(true, "a", "b")), "b");
    assert.equal(parts.add(part(true, "b", "c")), "c");
    assert.equal(parts.add(part(false)), undefined);
    assert.deepEqual(parts.names, ["a", "b", "c"]);
  });

  it("ends with a device that announces more and brings nothing, or the same again", () => {
    assertFault("directory-endless", () =>
      new DirectoryParts(new DirectoryBudget()).add(part(true)),
    );
    const parts = new DirectoryParts(new DirectoryBudget());
    parts.add(part(true, "a", "b"));
    assertFault("directory-endless", () => parts.add(part(true, "a", "b")));
  });

  it("ends beyond 200,000 names of one association, whatever the directory", () => {
    assert.equal(DIRECTORY_NAMES_MAX, 200_000);
    const budget = new DirectoryBudget();
    const names = Array.from({ length: 100_000 }, (_, at) => `n${at}`);
    new DirectoryParts(budget).add(part(true, ...names.slice(0, 50_000)));
    new DirectoryParts(budget).add(part(true, ...names.slice(50_000)));
    budget.spend(names);
    assertFault("too-many-elements", () => new DirectoryParts(budget).add(part(true, "one")));
  });

  it("ends beyond 64 MiB of names", () => {
    assert.equal(DIRECTORY_OCTETS_MAX, 67_108_864);
    const budget = new DirectoryBudget();
    budget.spend(["x".repeat(67_108_864)]);
    assertFault("too-many-elements", () => {
      budget.spend(["x"]);
    });
  });
});
