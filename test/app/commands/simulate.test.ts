import { strict as assert } from "node:assert";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { cliFile } from "../../../src/app/commands/roles.ts";
import { ordersOf } from "../../../src/app/commands/order-lines.ts";
import { simulate } from "../../../src/app/commands/simulate.ts";
import { demoSiteText } from "../../../src/app/demo/site.ts";
import { simulatedSite } from "../../../src/app/plant.ts";
import { loadContext } from "../../../src/app/site-context.ts";
import { SimClock } from "../../support/sim-clock.ts";
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

describe("simulator that is called wrongly", () => {
  async function answer(options: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const lines: string[] = [];
    const status = await simulate({
      positionals: [],
      options,
      terminal: {
        out: () => undefined,
        err: (line) => lines.push(...line.split("\n")),
        screen: undefined,
        hasColour: false,
        draw: () => undefined,
      },
      signal: new AbortController().signal,
    });
    assert.equal(status, 2);
    return lines;
  }

  it("says what would be right, and starts nothing", async () => {
    assert.match((await answer({ preset: "d9" }))[0] ?? "", /--preset is one of d30, d95/);
    assert.match((await answer({ load: "fast" }))[0] ?? "", /--load is one of steady, idle/);
  });

  it("says that a site without equipment has no use for a plant file or a scene", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "simulate-"));
    const file = path.join(folder, "site.yaml");
    const text = (profile: string): string => `site: one
gateway: gw-1
mqtt: { brokers: [{ url: "mqtt://127.0.0.1:1" }] }
connections: { line: { protocol: modbus-tcp, host: 127.0.0.1, port: 15020 } }
devices: [{ id: one, profile: ${profile}, connection: line }]
`;
    try {
      writeFileSync(file, text("schneider/iem3000"));
      const lines = await answer({ config: file, scene: "1" });
      assert.deepEqual(lines, [
        "this site has no device that a plant moves: --plant and --scene have no use",
      ]);
      const plantOf = async (profile: string): Promise<unknown> => {
        writeFileSync(file, text(profile));
        const context = await loadContext(file);
        const clock = new SimClock();
        return simulatedSite({ context, clock, preset: "d95", hasPorts: false }).snapshot();
      };
      assert.equal(await plantOf("schneider/iem3000"), undefined);
      assert.notEqual(await plantOf("huawei/ups2000"), undefined, "without a control section");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("says all that is wrong with a plant file, each with the file's name", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "simulate-"));
    const file = path.join(folder, "plant.yaml");
    try {
      assert.match((await answer({ plant: file }))[0] ?? "", /plant.yaml: ENOENT/);
      writeFileSync(file, "start: {\n");
      assert.match((await answer({ plant: file }))[0] ?? "", /plant.yaml:\d+:\d+: /);
      writeFileSync(file, "start: { load: fast }\norders: 3\n");
      const lines = await answer({ plant: file });
      assert.equal(lines.length, 2);
      assert.match(lines[1] ?? "", /plant.yaml: orders is a list/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("simulator with a channel to who started it", function () {
  this.timeout(30_000);

  it("says there that every device is up, and tells people each order that it takes", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "simulate-"));
    const file = path.join(folder, "site.yaml");
    const basePort = await freePortRange(64);
    const place = { directory: "data", runtimeDirectory: "run" };
    writeFileSync(file, demoSiteText({ basePort, mqttPort: 18_830, ...place }));
    const plant = fork(cliFile(), ["simulate", "--config", file], {
      execArgv: ["--import", "tsx"],
      stdio: ["pipe", "pipe", "pipe", "ipc"],
    });
    const said = { out: "", err: "" };
    for (const name of ["out", "err"] as const) {
      plant[`std${name}`]?.setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
      });
    }
    const exit = once(plant, "exit");
    const closed = once(plant, "close");
    try {
      const [message] = (await Promise.race([once(plant, "message"), exit])) as unknown[];
      assert.deepEqual(message, { ready: true });
      plant.send({ device: "m-ups", fault: "silent" });
      plant.send({ clearCause: "bess-9" });
      plant.send({ grid: "lost" });
      const isDark = async (): Promise<void> => {
        for (;;) {
          const [told] = (await once(plant, "message")) as { snapshot?: { voltageV: number } }[];
          if (told?.snapshot?.voltageV === 0) return;
        }
      };
      assert.equal(await Promise.race([isDark(), exit]), undefined, "obeys, and tells snapshots");
    } finally {
      plant.kill("SIGTERM");
      await closed;
      rmSync(folder, { recursive: true, force: true });
    }
    assert.match(said.out, /^\d\d:\d\d:\d\d {"device":"m-ups","fault":"silent"}$/m);
    assert.match(said.out, /^\d\d:\d\d:\d\d {"grid":"lost"}$/m);
    assert.equal(said.err, "bess-9 is none of bess-1, bess-2\n");
  });
});
