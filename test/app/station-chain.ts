import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TlsOptions } from "node:tls";
import { RoundTap } from "../../src/app/round-tap.ts";
import { roleFolder } from "../../src/app/role.ts";
import { contextOf, type SiteContext } from "../../src/app/site-context.ts";
import { South } from "../../src/app/south.ts";
import { requireSite } from "../../src/config/load.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import type { Round } from "../../src/domain/round.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { Simulation } from "../../src/simulator/simulation.ts";

const CLOCK = new SystemClock();

export interface SiteTerms {
  readonly ports: { readonly station: number; readonly relay: number };
  /** What each connection has besides, as YAML that begins with a comma. */
  readonly more?: string;
}

/** A site with two devices of IEC 61850. */
export function stationSite({ ports, more = "" }: SiteTerms): string {
  const connection = (port: number): string =>
    `{ protocol: iec61850, host: 127.0.0.1, port: ${port}${more} }`;
  return `
site: hall-1
gateway: gw-1
mqtt:
  brokers: [{ url: "mqtt://127.0.0.1:1" }]
connections:
  station: ${connection(ports.station)}
  relay: ${connection(ports.relay)}
devices:
  - { id: bess-station, profile: iec61850/bess-station, connection: station }
  - { id: relay, profile: iec61850/switchgear-relay, connection: relay }
envelope: []
`;
}

export function stationContext(file: string, terms: SiteTerms): SiteContext {
  return contextOf(requireSite(stationSite(terms), file), file);
}

export interface ChainTerms {
  /** What each connection has besides host and port, as YAML that begins with a comma. */
  readonly connection?: string;
  /** The stations are served over TLS with these. */
  readonly tls?: TlsOptions;
}

/** The field side of a site with two devices of IEC 61850, from simulated station to round. */
export class Chain {
  readonly rounds: Round[] = [];
  readonly events: PlantEvent[] = [];
  readonly folder = mkdtempSync(path.join(tmpdir(), "dcpi-iec61850-"));
  readonly #terms: ChainTerms;
  context: SiteContext;
  simulation: Simulation;
  south: South | undefined;
  readonly #stations = new AbortController();
  #finished: Promise<void> | undefined;

  private constructor(terms: ChainTerms) {
    this.#terms = terms;
    this.context = this.#contextAt({ station: 1, relay: 2 });
    mkdirSync(roleFolder(this.context.dataDirectory, "field"), { recursive: true });
    this.simulation = new Simulation({
      devices: [],
      stations: this.context.devices.map(({ definition, profile }) => ({
        id: definition.id,
        profile,
        host: "127.0.0.1",
        port: 0,
        ...(terms.tls === undefined ? {} : { tls: terms.tls }),
      })),
      plant: undefined,
      clock: CLOCK,
      seed: 1,
      preset: "d95",
    });
  }

  static async start(terms: ChainTerms = {}): Promise<Chain> {
    const chain = new Chain(terms);
    const { ports, finished } = await chain.simulation.start(chain.#stations.signal);
    chain.#finished = finished;
    const [station = 0, relay = 0] = ["bess-station", "relay"].map((id) => ports.get(id));
    chain.context = chain.#contextAt({ station, relay });
    return chain;
  }

  #contextAt(ports: SiteTerms["ports"]): SiteContext {
    const { connection } = this.#terms;
    const more = connection === undefined ? {} : { more: connection };
    return stationContext(this.file, { ports, ...more });
  }

  get file(): string {
    return path.join(this.folder, "site.yaml");
  }

  get stateFile(): string {
    return path.join(roleFolder(this.context.dataDirectory, "field"), "reports.json");
  }

  /** Runs the south side until `use` is done. */
  async run(use: (south: South) => Promise<void>): Promise<void> {
    const { context } = this;
    const south = new South({ context, role: "field", clock: CLOCK, random: Math.random });
    this.south = south;
    const tap = new RoundTap(context, south.devices, {
      onRound: (round) => {
        this.rounds.push(copied(round));
      },
      onEvent: (event) => this.events.push(event),
    });
    const end = new AbortController();
    const running = south.run(
      { emit: tap.emit, onEvent: (event) => this.events.push(event) },
      end.signal,
    );
    try {
      await use(south);
    } finally {
      end.abort();
      await running;
    }
  }

  lastOf(id: string): { readonly value: number; readonly quality: number } | undefined {
    const index = this.context.table.indexById.get(id);
    for (const round of this.rounds.toReversed()) {
      const at = round.isHistory === true ? -1 : round.points.indexOf(index ?? -1);
      if (at >= 0) return { value: round.values[at] ?? NaN, quality: round.quality[at] ?? 255 };
    }
    return undefined;
  }

  async stop(): Promise<void> {
    this.#stations.abort();
    await this.#finished;
    rmSync(this.folder, { recursive: true });
  }
}

function copied(round: Round): Round {
  const { points, values, quality, sourceTimes } = round;
  return {
    ...round,
    points: points.slice(),
    values: values.slice(),
    quality: quality.slice(),
    sourceTimes: sourceTimes?.slice(),
    texts: undefined,
  };
}

export async function withChain(
  use: (chain: Chain) => Promise<void>,
  terms: ChainTerms = {},
): Promise<void> {
  const chain = await Chain.start(terms);
  try {
    await use(chain);
  } finally {
    await chain.stop();
  }
}
