import { strict as assert } from "node:assert";
import { createLogger } from "../../src/platform/log.ts";

describe("log", () => {
  it("writes one line of JSON per event and never a secret", () => {
    const lines: string[] = [];
    const log = createLogger("control", "info", { write: (line) => lines.push(line) });
    log.warn({ event: "link-lost", device: "meter-1", silentMs: 1500, token: "x" }, "link lost");
    log.debug("not at this level");
    assert.equal(lines.length, 1);
    const entry = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    assert.equal(entry["token"], "[secret]");
    assert.deepEqual(
      [entry["component"], entry["event"], entry["msg"]],
      ["control", "link-lost", "link lost"],
    );
  });
});
