import assert from "node:assert/strict";
import { CommandVerifier } from "../../src/access/verify.ts";
import { parseShedWord } from "../../src/app/shed-level.ts";
import { SHED_STEP_MS, ShedDesk, type ShedDeskParts } from "../../src/app/shed-desk.ts";
import { formatUtc } from "../../src/dcpi/timestamp.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { ShedLevel, ShedWord } from "../../src/domain/shed.ts";
import { monotonicMs, utcMs } from "../../src/domain/time.ts";
import type { LatchRecord } from "../../src/platform/latch-files.ts";
import { createLogger } from "../../src/platform/log.ts";
import { sightOf } from "../dcpi/shed/workloads.ts";
import { commandMessage } from "../support/command-message.ts";
import { SimClock } from "../support/sim-clock.ts";

const MW = 1e6;

interface Said {
  readonly topic: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly expirySeconds: number;
  readonly atMs: number;
}

type Ways = Parameters<typeof sightOf>[2];

/** A desk between a control and workloads that do what a test says. */
export class DeskBench {
  readonly clock: SimClock;
  readonly said: Said[] = [];
  readonly control = { upMs: 3_600_000, isThere: true, hangs: false };
  readonly sheds = new Map<string, ShedLevel["sheds"][number]>();
  word: ShedWord = { unconfirmed: [] };
  hasBroker = true;
  /** Questions to control that wait for an answer, and the most that ever did. */
  asking = { now: 0, most: 0 };
  disk: { content: string | undefined; isFull: boolean; writes: number };
  desk: ShedDesk;
  #stop = new AbortController();
  readonly #zones: NonNullable<ShedDeskParts["thermal"]>["zones"];

  constructor({
    zones = [],
    clock = new SimClock(),
    disk = { content: undefined, isFull: false, writes: 0 },
  }: {
    readonly zones?: NonNullable<ShedDeskParts["thermal"]>["zones"];
    readonly clock?: SimClock;
    readonly disk?: DeskBench["disk"];
  } = {}) {
    this.#zones = zones;
    this.clock = clock;
    this.disk = disk;
    this.desk = this.#open();
  }

  /** Services ends and starts anew: what is not on the disk is gone. */
  restart(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.desk = this.#open();
  }

  #open(): ShedDesk {
    const { clock, control, disk } = this;
    const { content } = disk;
    const record: LatchRecord =
      content === undefined ? { state: "absent" } : { state: "valid", content, other: "absent" };
    const desk = new ShedDesk({
      thermal: { zones: this.#zones },
      control: {
        request: async (method, params, signal) => {
          assert.equal(method, "sheds");
          this.word = parseShedWord(JSON.parse(JSON.stringify(params)));
          this.asking.now += 1;
          this.asking.most = Math.max(this.asking.most, this.asking.now);
          if (control.hangs) await clock.sleep(5_000, signal);
          this.asking.now -= 1;
          if (!control.isThere) throw new GatewayError("PEER_LOST", { path: "x" });
          const level: ShedLevel = { upMs: control.upMs, sheds: [...this.sheds.values()] };
          return Promise.resolve(JSON.parse(JSON.stringify(level)) as unknown);
        },
      },
      publisher: {
        publishUrgent: ({ topic, payload, expirySeconds }) => {
          if (!this.hasBroker) return false;
          const body = JSON.parse(new TextDecoder().decode(payload)) as Said["body"];
          this.said.push({ topic, body, expirySeconds, atMs: clock.now() });
          return true;
        },
      },
      verifier: new CommandVerifier({
        unsigned: "allow",
        facility: "hall-1",
        lease: { defaultMs: 60_000, maximumMs: 3_600_000 },
      }),
      record,
      files: {
        save: async (text) => {
          disk.writes += 1;
          if (disk.isFull) return Promise.reject(new GatewayError("STORE_FULL", { path: "x" }));
          disk.content = text;
          return Promise.resolve();
        },
      },
      clock,
      speaker: { facility: "hall-1", gateway: "gw-1" },
      prefix: "p/",
      log: createLogger("test", "silent"),
    });
    void desk.run(this.#stop.signal);
    return desk;
  }

  /** A workload announces that it draws this from now on. */
  announce(workload: string, powerMw: number, ways: Ways = {}): void {
    const { dialect, flexibility, rampWPerS } = sightOf(workload, powerMw, ways);
    const now = this.clock.now();
    const steps = [{ at: now, powerW: powerMw * MW }];
    const request = {
      ...{ workload, dialect, flexibility, rampWPerS, steps: [], ignored: [] },
      timestamp: this.clock.utcNow(),
      correlation: undefined,
      powerW: undefined,
      peakW: powerMw * MW,
      slackMs: 0,
    };
    const notice = { workload, powerW: undefined, peakW: powerMw * MW, steps };
    const notAfter = monotonicMs(now + 5_000);
    this.desk.roster.announce(request, { ...notice, slackMs: 0, withinMs: 0, notAfter }, now);
  }

  ask(zone: string, powerMw: number, isLatched = true): void {
    this.sheds.set(zone, {
      zone,
      powerW: powerMw * MW,
      cause: "leak-confirmed",
      sinceUtc: utcMs(this.clock.utcNow()),
      isLatched,
    });
  }

  /** A workload says how it does, by the broker. */
  report(workload: string, state: string, powerMw?: number): void {
    this.desk.takeStatus(
      commandMessage(this.clock, "p/cmd/workload/status", {
        dcpi_version: "1.0",
        timestamp: formatUtc(this.clock.utcNow()),
        workload_id: workload,
        current_status: state,
        current_power_mw: powerMw,
      }),
    );
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  /** One look of the desk at everything. */
  async step(): Promise<void> {
    await this.pass(SHED_STEP_MS);
  }

  /** What was said since the last time: `job-1 throttle 3`, `all throttle -2`. */
  take(): readonly string[] {
    return this.said.splice(0).map(({ topic, body }) => {
      const { action, parameters, command_type: pswd } = body;
      const demanded = (parameters ?? body) as Readonly<Record<string, number | undefined>>;
      const reduction = demanded["reduction_mw"];
      const target = reduction === undefined ? demanded["target_power_mw"] : -reduction;
      const whom = topic.replace("p/workload/", "").replace("/control", "");
      const words = [whom, String(action ?? pswd)];
      return [...words, ...(target === undefined ? [] : [`${target}`])].join(" ");
    });
  }

  progress(): readonly string[] {
    return this.desk
      .status()
      .orders.map(({ zone, workload, progress }) => `${zone} ${workload} ${progress}`);
  }

  close(): void {
    this.#stop.abort();
  }
}
