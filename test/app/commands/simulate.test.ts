import { strict as assert } from "node:assert";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { cliFile } from "../../../src/app/commands/roles.ts";
import { ordersOf } from "../../../src/app/commands/simulate.ts";
import { demoSiteText } from "../../../src/app/demo/site.ts";
import { freePortRange } from "../../support/loopback.ts";

describe("orders to the simulator on its standard input", () => {
  it("are lines, however they were cut on their way", async () => {
    const input = new PassThrough();
    const orders: unknown[] = [];
    const lines = ordersOf(input, (order) => orders.push(order));
    const closed = once(lines, "close");
    const text = '{"load":"full"}\n\n{"device":"ups-é","fault":"silent"}\nno order\n';
    for (const byte of Buffer.from(text)) input.write(Buffer.of(byte));
    input.end();
    await closed;
    assert.deepEqual(orders, [{ load: "full" }, { device: "ups-é", fault: "silent" }, "no order"]);
  });
});

describe("simulator with a channel to who started it", function () {
  this.timeout(30_000);

  it("says there that every device is up", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "simulate-"));
    const file = path.join(folder, "site.yaml");
    const basePort = await freePortRange(64);
    const place = { directory: "data", runtimeDirectory: "run" };
    writeFileSync(file, demoSiteText({ basePort, mqttPort: 18_830, ...place }));
    const plant = fork(cliFile(), ["simulate", "--config", file], {
      execArgv: ["--import", "tsx"],
      stdio: ["pipe", "ignore", "inherit", "ipc"],
    });
    const exit = once(plant, "exit");
    try {
      const [message] = (await Promise.race([once(plant, "message"), exit])) as unknown[];
      assert.deepEqual(message, { ready: true });
    } finally {
      plant.kill("SIGTERM");
      await exit;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
