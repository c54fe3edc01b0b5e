import assert from "node:assert/strict";
import { WireError, type WireFault } from "../../../src/wire/mms/wire-error.ts";

/** A peer's mistake is told as one error, with the very fault. */
export function assertFault(fault: WireFault, act: () => unknown): void {
  assert.throws(act, (error) => {
    assert.ok(error instanceof WireError, String(error));
    assert.equal(error.code, "REPLY_MALFORMED");
    assert.equal(error.fault, fault);
    return true;
  });
}
