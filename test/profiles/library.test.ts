import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayError } from "../../src/domain/errors.ts";
import { ProfileLibrary } from "../../src/profiles/library.ts";
import { profileWith } from "./builders.ts";

describe("the profile library", () => {
  let root = "";
  let library: ProfileLibrary;

  function put(name: string, text: string): void {
    const [folder = "", file = ""] = name.split("/");
    mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, folder, `${file}.json`), text);
  }

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "profiles-"));
    library = new ProfileLibrary(root);
    const point = { point: "x-a", at: "holding 1", type: "int16", unit: "W", group: "g" } as const;
    put("acme/one", JSON.stringify(profileWith({ points: [point] })));
    put("acme/two", JSON.stringify(profileWith({ extends: "acme/one", points: [] })));
    put("bad/form", '{\n"format": 2\n}');
    put("bad/sense", JSON.stringify(profileWith({ points: [{ ...point, group: "none" }] })));
    writeFileSync(join(root, "profile.schema.json"), "{}");
    writeFileSync(join(root, "acme", "notes.txt"), "");
  });

  afterEach(() => {
    rmSync(root, { recursive: true });
  });

  function codeOf(action: () => unknown): unknown {
    try {
      action();
    } catch (error) {
      return error instanceof GatewayError ? error.code : error;
    }
    return "none";
  }

  it("names every profile by its folder and file", () => {
    assert.deepEqual(library.names(), ["acme/one", "acme/two", "bad/form", "bad/sense"]);
  });

  it("compiles a profile under the name of its file, with its base", () => {
    assert.equal(library.compile("acme/one").name, "acme/one");
    assert.deepEqual(
      library.compile("acme/two").points.map(({ id }) => id),
      ["x-a"],
    );
  });

  it("reads a file once", () => {
    const before = library.profile("acme/one");
    put("acme/one", "{}");
    assert.equal(library.profile("acme/one"), before);
  });

  it("says what is missing and what is not valid, with the line", () => {
    assert.equal(
      codeOf(() => library.compile("acme/none")),
      "PROFILE_MISSING",
    );
    assert.equal(
      codeOf(() => library.compile("../acme/one")),
      "PROFILE_MISSING",
    );
    assert.equal(
      codeOf(() => library.compile("bad/form")),
      "PROFILE_INVALID",
    );
    assert.equal(library.profile("bad/form"), undefined);
    assert.equal(library.profile("acme/none"), undefined);
    assert.throws(() => library.compile("bad/sense"), /problem=there is no group "none"/);
    assert.throws(() => library.compile("bad/form"), /problems=6 line=1/);
  });

  it("does not leave its folder", () => {
    mkdirSync(join(root, "inner"));
    const inner = new ProfileLibrary(join(root, "inner"));
    assert.equal(
      codeOf(() => inner.compile("../acme/one")),
      "PROFILE_MISSING",
    );
  });

  it("says when a file cannot be read", () => {
    mkdirSync(join(root, "acme", "folder.json"));
    assert.equal(
      codeOf(() => library.compile("acme/folder")),
      "FILE_UNREADABLE",
    );
  });
});
