import { strict as assert } from "node:assert";
import {
  AlarmDesk,
  type AlarmsAnswer,
  type DeskAnswer,
  TURN_MS,
} from "../../src/app/alarm-desk.ts";
import { AlarmFeed, followAlarms } from "../../src/app/alarm-feed.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import { utcMs } from "../../src/domain/time.ts";
import type { Request } from "../../src/link/request-server.ts";
import type { LatchRecord } from "../../src/platform/latch-files.ts";
import { createLogger } from "../../src/platform/log.ts";
import { SimClock } from "../support/sim-clock.ts";

type Trip = Pick<PlantEvent, "id" | "device" | "text" | "at">;

export function event(id: string, told: Partial<PlantEvent> = {}): PlantEvent {
  const facts = { severity: "critical", phase: "raised", device: "d-1", point: undefined } as const;
  return { id, ...facts, text: `${id} is there`, at: utcMs(0), ...told };
}

/** A desk on a disk that does what the test says. */
export class DeskBench {
  readonly clock = new SimClock();
  readonly told: PlantEvent[] = [];
  readonly saved: string[] = [];
  isDiskFull = false;
  trips: Trip[] = [];
  desk: AlarmDesk;

  constructor(record: LatchRecord = { state: "absent" }) {
    this.desk = this.#open(record);
  }

  /** Another process on what is on the disk. */
  restart(): void {
    const content = this.saved.at(-1);
    const absent = { state: "absent" } as const;
    this.desk = this.#open(
      content === undefined ? absent : { state: "valid", content, other: "absent" },
    );
  }

  async pass(seconds: number): Promise<void> {
    for (let ms = 0; ms < seconds * 1_000; ms += TURN_MS / 5) {
      await this.clock.advance(TURN_MS / 5);
      this.desk.afterCycle(this.clock.now());
    }
    await this.clock.advance(0);
  }

  async ask<T = DeskAnswer>(method: string, params: object = {}): Promise<T> {
    const answer = this.desk.answers.get(method);
    assert.ok(answer !== undefined);
    const rest = { signal: new AbortController().signal, push: () => true };
    return (await answer({ method, params, ...rest } satisfies Request)) as T;
  }

  async list(): Promise<AlarmsAnswer> {
    return this.ask<AlarmsAnswer>("alarms", { from: 0 });
  }

  textsOf(id: string): string[] {
    return this.told.filter((each) => each.id === id).map(({ text }) => text);
  }

  #open(record: LatchRecord): AlarmDesk {
    return new AlarmDesk({
      clock: this.clock,
      log: createLogger("test", "silent"),
      device: "gateway-control",
      segmentOf: () => undefined,
      record,
      files: {
        save: async (content) => {
          await Promise.resolve();
          if (this.isDiskFull) throw new GatewayError("STORE_FULL");
          this.saved.push(content);
        },
      },
      onEvent: (told) => {
        this.told.push(told);
      },
      trips: () => this.trips,
    });
  }
}

/** Field or services, and control, on one clock, with a link that can be cut. */
export function linked(source: "field" | "services" = "field") {
  const bench = new DeskBench();
  const { clock } = bench;
  const stop = new AbortController();
  const link = { isCut: false, field: new AlarmFeed(clock, 1) };
  const connected = () => {
    if (link.isCut) throw new GatewayError("PEER_LOST", { reason: "cut" });
  };
  const client = {
    request: async (method: string, params: unknown) => {
      connected();
      const answer = link.field.answers.get(method);
      assert.ok(answer !== undefined);
      const json = JSON.stringify(params);
      const rest = { signal: stop.signal, push: () => true };
      const result = await answer({ method, params: JSON.parse(json) as unknown, ...rest });
      connected();
      return JSON.parse(JSON.stringify(result)) as unknown;
    },
  };
  const sink = {
    heard: (isAnew: boolean) => {
      bench.desk[source].heard(isAnew);
    },
    take: (told: PlantEvent) => {
      bench.desk[source].take(told);
    },
    lost: () => {
      bench.desk[source].lost();
    },
  };
  const start = () => {
    const ended = new AbortController();
    const done = followAlarms(
      { client, clock, sink },
      AbortSignal.any([stop.signal, ended.signal]),
    );
    return { ended, done };
  };
  let follower = start();
  /** Control is killed, and started on what is on the disk. */
  const restartControl = async () => {
    follower.ended.abort();
    await clock.advance(2_000);
    await follower.done;
    bench.restart();
    follower = start();
  };
  const close = async () => {
    stop.abort();
    await clock.advance(2_000);
    await follower.done;
  };
  return { bench, link, close, restartControl };
}
