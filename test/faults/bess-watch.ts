import { RawClient } from "../simulator/support/raw-client.ts";
import { delay } from "../integration/site-run.ts";

/** What the registers of a battery said at one moment. */
export interface BessSample {
  /** Monotonic, ms. */
  readonly atMs: number;
  readonly powerW: number;
  readonly setpointW: number;
}

/** Holding registers of the simulated battery, found by hand in its map (SunSpec 701 and 704). */
const POWER = { address: 40_080, words: 1, exponentAt: 40_186 } as const;
const SETPOINT = { address: 40_301, words: 2, exponentAt: 40_332 } as const;

/**
 * A second Modbus client, of nobody in the gateway: what the device itself says, 50 times a second.
 */
export class BessWatch {
  readonly samples: BessSample[] = [];
  readonly #client: RawClient;
  #transaction = 0;
  #isOpen = true;
  readonly #running: Promise<void>;

  static async open(port: number): Promise<BessWatch> {
    const client = await RawClient.connect(port);
    return new BessWatch(client);
  }

  private constructor(client: RawClient) {
    this.#client = client;
    this.#running = this.#run();
  }

  get last(): BessSample | undefined {
    return this.samples.at(-1);
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#running;
    this.#client.close();
  }

  async #run(): Promise<void> {
    const powerScale = 10 ** (await this.#read(POWER.exponentAt, 1));
    const setpointScale = 10 ** (await this.#read(SETPOINT.exponentAt, 1));
    while (this.#isOpen) {
      const setpointW = (await this.#read(SETPOINT.address, SETPOINT.words)) * setpointScale;
      const powerW = (await this.#read(POWER.address, POWER.words)) * powerScale;
      this.samples.push({ atMs: performance.now(), powerW, setpointW });
      await delay(18);
    }
  }

  /** A signed number of one or two words. */
  async #read(address: number, words: 1 | 2): Promise<number> {
    this.#transaction = (this.#transaction + 1) % 0x1_0000;
    const hex = (value: number): string => value.toString(16).padStart(4, "0");
    const head = `${hex(this.#transaction)}0000`;
    const answer = await this.#client.ask(
      `${head}00060103${hex(address)}${hex(words)}`,
      9 + 2 * words,
    );
    const raw = Number.parseInt(answer.slice(18), 16);
    const size = 2 ** (16 * words);
    return raw >= size / 2 ? raw - size : raw;
  }
}

/** The change that went furthest beyond the ramp. */
export interface WorstStep {
  readonly beyondW: number;
  readonly text: string;
}

/**
 * The largest change from one value to the next beyond what the ramp allows in the time since the
 * change before: a cycle that came late may make up for it, but not more.
 */
export function worstStep(
  samples: readonly BessSample[],
  pick: (sample: BessSample) => number,
  rampWPerS: number,
): WorstStep {
  const [first] = samples;
  let worst: WorstStep = { beyondW: 0, text: "none" };
  if (first === undefined) return worst;
  let valueW = pick(first);
  let sinceMs = first.atMs;
  for (const sample of samples) {
    const nextW = pick(sample);
    if (nextW === valueW) continue;
    const tookMs = sample.atMs - sinceMs;
    const beyondW = Math.abs(nextW - valueW) - (rampWPerS * tookMs) / 1_000;
    const atS = ((sample.atMs - first.atMs) / 1_000).toFixed(2);
    if (beyondW > worst.beyondW)
      worst = {
        beyondW,
        text:
          `${Math.round(beyondW)} W (${valueW} → ${nextW} W ` +
          `in ${Math.round(tookMs)} ms at ${atS} s)`,
      };
    valueW = nextW;
    sinceMs = sample.atMs;
  }
  return worst;
}
