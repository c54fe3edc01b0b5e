import type { Started } from "../support/processes.ts";
import {
  CYCLIC_TARGET,
  CYCLIC_UNIT,
  DIRECT_UNIT,
  makeBenchSite,
  PERIOD_MS,
  PREFIX,
  SITE,
} from "./bench-site.ts";
import { type AddFigure, type Bounds, quantilesOf } from "./figures.ts";
import { monotonicNow, WireClient, type WireMessage } from "./mqtt-wire.ts";
import { pause, Rig } from "./rig.ts";
import type { BenchTerms } from "./telemetry.ts";
import { missedPolls } from "./window-report.ts";

interface Lane {
  readonly name: string;
  readonly target: string;
  readonly unit: string;
  /** Answer p99, ms. */
  readonly must: number;
  readonly aim: { readonly p50: number; readonly p99: number } | undefined;
}

/** The cyclic lane's answer may take one period more than its margin. */
const CYCLIC_MARGIN_MS = 25;
const LANES: readonly Lane[] = [
  {
    name: "direct",
    target: DIRECT_UNIT,
    unit: DIRECT_UNIT,
    must: 50,
    aim: { p50: 2, p99: 15 },
  },
  {
    name: "cyclic",
    target: CYCLIC_TARGET,
    unit: CYCLIC_UNIT,
    must: PERIOD_MS + CYCLIC_MARGIN_MS,
    aim: undefined,
  },
];
const SHAPE = { devices: 10, points: 1_000, periodMs: 100, hasControl: true };
const COMMANDS = 300;
/** Apart by at least this, which is below the rate that one sender may have, ms. */
const LEAST_MS = 25;
/** Shares no factor with the cycle: every phase of it gets its commands, ms. */
const PHASE_MS = 7;
const ANSWER_MS = 2_000;
const WARM_UP_MS = 12_000;
const BASE_W = 1_000_000;
const STEP_W = 1_000;
/** What a register of the battery can tell apart. */
const TOLERANCE_W = 400;

/** What happened to one command, ms of the monotonic clock. */
interface Life {
  readonly unit: string;
  readonly valueW: number;
  readonly sentMs: number;
  registerMs: number | undefined;
  readonly stages: Map<string, number>;
  /** Resolves when the device was seen to hold the value, or the command ended otherwise. */
  readonly answered: Promise<void>;
  readonly settle: () => void;
}

/** Commands to a register and back, while the gateway reads 100,000 points a second. */
export async function commandBench(terms: BenchTerms): Promise<void> {
  const { sink, profileFolder } = terms;
  const site = await makeBenchSite(SHAPE);
  const rig = new Rig({ site, profileFolder });
  try {
    await rig.broker();
    const plant = await rig.plant();
    await rig.subscriber();
    const gateway = rig.gateway();
    const sender = await Sender.open(site.mqttPort, plant);
    await pause(WARM_UP_MS);
    for (const lane of LANES.filter(({ name }) => name.startsWith(terms.only))) {
      sink.say(`command ${lane.name}: ${COMMANDS} commands`);
      const [lives, { report }] = await Promise.all([
        sender.send(lane),
        rig.window(terms.windowS, gateway),
      ]);
      sink.say(`acknowledgements: ${JSON.stringify(stagesOf(lives))}`);
      const add = sink.forCase(lane.name);
      tell(lane, lives, add);
      add("values received", report.values / report.seconds, "1/s");
      add("lost rounds", report.gaps, "rounds", { must: 0 });
      add("missed polls", missedPolls(report, SHAPE.periodMs), "polls");
    }
    sender.close();
    await rig.end(gateway.values());
  } finally {
    await rig.close();
  }
}

class Sender {
  readonly #lives = new Map<string, Life>();
  #client: WireClient | undefined;
  #sent = 0;

  static async open(port: number, plant: Started): Promise<Sender> {
    const sender = new Sender(plant);
    const client = await WireClient.open(port, "bench-commander", sender.#answered);
    await client.subscribe(`${PREFIX}ack/#`, 1);
    sender.#client = client;
    return sender;
  }

  private constructor(plant: Started) {
    let rest = "";
    plant.child.stdout?.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith("{")) this.#written(line);
    });
  }

  close(): void {
    this.#client?.close();
  }

  /**
   * One command after the other: each when the one before was answered, at any phase of a cycle.
   */
  async send(lane: Lane): Promise<readonly Life[]> {
    const lives: Life[] = [];
    for (let index = 0; index < COMMANDS; index += 1) {
      const life = this.#command(lane, BASE_W + index * STEP_W);
      lives.push(life);
      await Promise.race([life.answered, pause(ANSWER_MS)]);
      await pause(
        Math.max(0, life.sentMs + LEAST_MS - monotonicNow()) + ((index * PHASE_MS) % PERIOD_MS),
      );
    }
    return lives;
  }

  #command(lane: Lane, valueW: number): Life {
    this.#sent += 1;
    const id = `bench-${lane.name}-${this.#sent}`;
    const text = JSON.stringify({
      dcpi_version: "1.0",
      message_type: "power_control",
      command_id: id,
      facility_id: SITE,
      timestamp: new Date().toISOString(),
      commands: [
        { target: lane.target, action: "discharge", power_mw: valueW / 1e6, duration_sec: 60 },
      ],
    });
    let settle = (): void => undefined;
    const answered = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const life: Life = {
      unit: lane.unit,
      valueW,
      sentMs: monotonicNow(),
      registerMs: undefined,
      stages: new Map(),
      answered,
      settle,
    };
    this.#lives.set(id, life);
    this.#client?.publish(`${PREFIX}cmd/power/control`, Buffer.from(text), 1);
    return life;
  }

  readonly #answered = ({ payload, atMs }: WireMessage): void => {
    const answer = JSON.parse(payload.toString("utf8")) as {
      readonly command_id: string;
      readonly stage: string;
      readonly final: boolean;
      readonly reason?: string;
    };
    const life = this.#lives.get(answer.command_id);
    const { stage, reason } = answer;
    const name = stage === "refused" ? `refused: ${reason ?? ""}` : stage;
    if (life?.stages.has(name) === false) life.stages.set(name, atMs);
    if (answer.final || stage === "read-back") life?.settle();
  };

  #written(line: string): void {
    const write = JSON.parse(line) as { device: string; value: number | null; atMs: number };
    for (const life of this.#lives.values()) {
      const isIt =
        life.unit === write.device &&
        life.registerMs === undefined &&
        life.sentMs <= write.atMs &&
        Math.abs(life.valueW - (write.value ?? Number.NaN)) <= TOLERANCE_W;
      if (isIt) life.registerMs = write.atMs;
    }
  }
}

/** How many commands had each of the acknowledgements. */
function stagesOf(lives: readonly Life[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { stages } of lives)
    for (const stage of stages.keys()) counts[stage] = (counts[stage] ?? 0) + 1;
  return counts;
}

function tell(lane: Lane, lives: readonly Life[], add: AddFigure): void {
  const { name, must, aim } = lane;
  const toRegister = lives.flatMap(({ registerMs, sentMs }) =>
    registerMs === undefined ? [] : [registerMs - sentMs],
  );
  tellQuantiles({ metric: "to the register", values: toRegister, must, aim }, add);
  for (const stage of ["written", "read-back"]) {
    const values = lives.flatMap(({ stages, sentMs }) => {
      const atMs = stages.get(stage);
      return atMs === undefined ? [] : [atMs - sentMs];
    });
    const isBound = stage === "written" || name === "direct";
    const bounds = isBound ? { must, aim } : { must: undefined, aim: undefined };
    tellQuantiles({ metric: `to ${stage}`, values, ...bounds }, add);
    add(`answered ${stage}`, values.length, "commands");
  }
  add("commands sent", lives.length, "commands");
  add("never in the register", lives.length - toRegister.length, "commands", { must: 0 });
}

function tellQuantiles(
  given: {
    readonly metric: string;
    readonly values: readonly number[];
    readonly must: number | undefined;
    readonly aim: Lane["aim"];
  },
  add: AddFigure,
): void {
  const { metric, values, must, aim } = given;
  const { p50, p99, max } = quantilesOf(values);
  const bounds = (least: number | undefined, most: number | undefined): Bounds => ({
    ...(most === undefined ? {} : { must: most }),
    ...(least === undefined ? {} : { aim: least }),
  });
  add(`${metric} p50`, p50, "ms", bounds(aim?.p50, undefined));
  add(`${metric} p99`, p99, "ms", bounds(aim?.p99, must));
  add(`${metric} max`, max, "ms");
}
