import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { CommandCall, ExitStatus, Terminal } from "../../../src/app/terminal.ts";
import { loadContext, type SiteContext } from "../../../src/app/site-context.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import type { MakeLink } from "../../../src/drivers/modbus/link-pool.ts";
import { SimulatedDevice } from "../../../src/simulator/device.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { VirtualLink } from "../../support/virtual-link.ts";

/** A battery whose setpoint has everything around it that a setpoint can have. */
const BATTERY = {
  format: 1,
  version: "0.1.0",
  status: "draft",
  identity: { manufacturer: "Acme", model: "Battery", class: "bess", protocols: ["modbus-tcp"] },
  sources: { own: { document: "test", licence: "facts only" } },
  groups: { fast: { everyMs: 20 } },
  points: [
    { point: "active-power", at: "holding 10", type: "int32", unit: "W" },
    {
      point: "control-location",
      at: "holding 12",
      type: "uint16",
      values: { 0: "remote", 1: "local" },
    },
    {
      point: "active-power-setpoint",
      at: "holding 20",
      type: "int16",
      unit: "kW",
      write: {
        range: [-500_000, 500_000],
        needs: ["remote"],
        before: [{ at: "holding 30", raw: 4_660, when: "session" }],
        after: [{ at: "holding 31", raw: 1, when: "each" }],
        readBack: { withinMs: 60, tolerance: 1_000 },
        keepAlive: "watchdog",
        danger: "power",
      },
    },
    {
      point: "run-command",
      at: "holding 22",
      type: "uint16",
      values: { 0: "stop", 1: "start" },
      write: { readBack: { withinMs: 60 }, danger: "interrupts-load" },
    },
    {
      point: "x-level",
      at: "holding 23",
      type: "uint16",
      unit: "1",
      write: { range: [0, 10], readBack: false, why: "it shows nothing", danger: "none" },
    },
  ].map((line) => ({ ...line, group: "fast", source: "own" })),
  interlocks: { remote: { point: "control-location", equals: "remote" } },
  keepAlive: {
    watchdog: { at: "holding 50", raw: 1, everyMs: 1_000, onLoss: "it goes to zero" },
  },
};

const SITE = `site: one
gateway: gw-1
profileDirectory: profiles
runtimeDirectory: run
mqtt: { brokers: [{ url: "mqtt://127.0.0.1:1" }] }
connections:
  line: { protocol: modbus-tcp, host: 192.0.2.11 }
devices:
  - { id: bess-1, profile: acme/battery, connection: line, unit: 3 }
envelope:
  - { device: bess-1, point: active-power-setpoint, minimum: -400, maximum: 400, unit: kW }
  - { device: bess-1, point: run-command, minimum: 0, maximum: 1, unit: "1" }
`;

const STEP_MS = 10;

/** A site with one simulated battery, and what a command said of it. */
export class DeviceBench {
  readonly folder = mkdtempSync(path.join(tmpdir(), "device-"));
  readonly out: string[] = [];
  readonly drawn: string[] = [];
  screen: Terminal["screen"];
  readonly err: string[] = [];
  readonly stop = new AbortController();
  readonly clock = new SimClock();
  /** After each line of output. */
  onLine: () => void = () => undefined;
  device: SimulatedDevice | undefined;
  #context: SiteContext | undefined;

  /** @param change what is another way in the site file */
  static async make(change: (site: string) => string = (site) => site): Promise<DeviceBench> {
    const bench = new DeviceBench();
    mkdirSync(path.join(bench.folder, "profiles", "acme"), { recursive: true });
    const file = path.join(bench.folder, "profiles", "acme", "battery.json");
    writeFileSync(file, JSON.stringify(BATTERY));
    writeFileSync(bench.siteFile, change(SITE));
    bench.#context = await loadContext(bench.siteFile);
    const profile = bench.#context.deviceById.get("bess-1")?.profile;
    if (profile !== undefined) {
      const nominal = [10, 11, 12, 20, 22, 23].map((address) => {
        return { table: "holding" as const, address, words: [0] };
      });
      bench.device = new SimulatedDevice({ id: "bess-1", profile, unitId: 3, nominal });
    }
    return bench;
  }

  get siteFile(): string {
    return path.join(this.folder, "site.yaml");
  }

  /** Where gateway-field would say that it runs. */
  get lockFile(): string {
    const folder = path.join(this.folder, "run", "field");
    mkdirSync(folder, { recursive: true });
    return path.join(folder, "lock");
  }

  makeLink: MakeLink = async () => {
    const { clock } = this;
    const devices = this.device === undefined ? [] : [this.device];
    const wheel = new TimerWheel(clock);
    return Promise.resolve(new VirtualLink({ clock, wheel, devices, roundTripMs: () => 1 }));
  };

  /**
   * Runs a command on the site in the time of the clock, as fast as it can; what was said before is
   * forgotten.
   */
  async run(
    command: (call: CommandCall) => Promise<ExitStatus>,
    positionals: readonly string[],
    options: CommandCall["options"] = {},
  ): Promise<ExitStatus> {
    this.out.length = 0;
    this.err.length = 0;
    const over = { is: false };
    const status = command({
      positionals,
      options: { config: this.siteFile, timeout: "1", ...options },
      terminal: {
        out: (line) => {
          this.out.push(line);
          this.onLine();
        },
        err: (line) => this.err.push(line),
        screen: this.screen,
        hasColour: false,
        draw: (text) => {
          this.drawn.push(text);
          this.onLine();
        },
      },
      signal: this.stop.signal,
    }).finally(() => {
      over.is = true;
    });
    while (!over.is) {
      await this.clock.advance(STEP_MS);
      // Files are read in the machine's own time.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return status;
  }

  dispose(): void {
    this.stop.abort();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
