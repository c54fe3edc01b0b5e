import { strict as assert } from "node:assert";
import {
  type CommandCall,
  exitStatusOf,
  numberOption,
  type Terminal,
} from "../../src/app/terminal.ts";
import { type ErrorCode, ERRORS, GatewayError } from "../../src/domain/errors.ts";

const SILENT: Terminal = {
  out: () => undefined,
  err: () => undefined,
  draw: () => undefined,
  screen: undefined,
  hasColour: false,
};

function call(options: CommandCall["options"]): CommandCall {
  return { positionals: [], options, terminal: SILENT, signal: new AbortController().signal };
}

describe("exit status of an error", () => {
  it("is 2, never to be started again, only where no restart can help", () => {
    const codes = (Object.keys(ERRORS) as ErrorCode[]).filter(
      (code) => exitStatusOf(new GatewayError(code)) === 2,
    );
    assert.deepEqual(codes.sort(), [
      "CONFIG_INVALID",
      "FILE_UNREADABLE",
      "INSTANCE_RUNNING",
      "PORT_IN_USE",
      "PROFILE_INVALID",
      "PROFILE_MISSING",
    ]);
  });

  const others = [
    ["STORE_IO", 4],
    ["STORE_FULL", 4],
    ["STORE_BUSY", 4],
    ["STORE_UNUSABLE", 4],
    ["PEER_MISMATCH", 4],
    ["PEER_LOST", 3],
    ["BROKER_UNREACHABLE", 3],
    ["REQUEST_REFUSED", 1],
  ] as const;
  for (const [code, status] of others) {
    it(`is ${status} for ${code}`, () => {
      assert.equal(exitStatusOf(new GatewayError(code)), status);
    });
  }
});

describe("number given as an option", () => {
  it("is undefined where it was not given", () => {
    assert.equal(numberOption(call({}), "seconds"), undefined);
  });

  it("may have a fraction and may be nought", () => {
    assert.equal(numberOption(call({ seconds: "0.5" }), "seconds"), 0.5);
    assert.equal(numberOption(call({ seconds: "0" }), "seconds"), 0);
  });

  for (const text of ["x", "", " ", "-1", "NaN", "Infinity", "1s"]) {
    it(`is refused where it is "${text}", with the name of the option`, () => {
      assert.throws(() => numberOption(call({ seconds: text }), "seconds"), {
        code: "CONFIG_INVALID",
        context: { option: "--seconds", reason: "it takes a number, nought or more" },
      });
    });
  }
});
