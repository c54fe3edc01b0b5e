import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { loadLibiec61850, selectorOf } from "../../native/libiec61850.ts";
import { AT_ONCE, functionName, WAITING } from "../../native/libiec61850-manifest.ts";
import { GatewayError } from "../../src/domain/errors.ts";

const DEAF = { informed: () => undefined, lost: () => undefined };

/** The C library that this process runs on, as a library that is not the one. */
function libc(): string {
  const maps = readFileSync("/proc/self/maps", "utf8");
  const found = /\S+\/(?:libc[.]so[.]6|ld-musl\S*)$/m.exec(maps);
  assert.ok(found !== null, "a C library is loaded");
  return found[0];
}

function reasonOf(file: string): unknown {
  try {
    loadLibiec61850(file, DEAF);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    assert.equal(error.code, "CONFIG_INVALID");
    return error.context;
  }
  return assert.fail("it was loaded");
}

describe("the binding of libiec61850", () => {
  it("says of a file that is no library that it cannot be loaded", () => {
    const file = "/nonexistent/libiec61850.so";
    assert.deepEqual(reasonOf(file), { file, reason: "the library cannot be loaded" });
  });

  it("says of another library which function it lacks", () => {
    const file = libc();
    const missing = "MmsConnection_connect";
    const reason = `the library has no function ${missing}: it is no libiec61850 1.5 client`;
    assert.deepEqual(reasonOf(file), { file, missing, reason });
  });

  it("has no call at once that waits for the network", () => {
    // Whatever can fail on the way tells so in an error of its own.
    for (const declaration of Object.values(AT_ONCE)) {
      assert.doesNotMatch(declaration, /int \*error/, declaration);
    }
    const waiting = Object.entries(WAITING).filter(([name]) => name !== "destroy");
    for (const [, declaration] of waiting) assert.match(declaration, /_Out_ int \*error/);
  });

  it("declares every function once", () => {
    const names = [...Object.values(WAITING), ...Object.values(AT_ONCE)].map(functionName);
    // A list has texts or structures: the same function under two types.
    assert.equal(new Set(names).size, names.length - 1);
  });

  it("gives C no address that is longer than its structures", () => {
    assert.deepEqual(selectorOf("transport", Uint8Array.of(0, 1)), {
      size: 2,
      value: Uint8Array.of(0, 1, 0, 0),
    });
    assert.throws(() => selectorOf("transport", new Uint8Array(5)), { code: "CONFIG_INVALID" });
    assert.throws(() => selectorOf("session", new Uint8Array(17)), { code: "CONFIG_INVALID" });
  });
});
