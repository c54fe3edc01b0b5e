import { SiteRun } from "./site-run.ts";
import { type Got, Subscriber } from "./subscriber.ts";

const READY_MS = 60_000;

export interface OpenOptions {
  /** What the simulated plant draws. */
  readonly load: string;
  /** Behind the prefix. */
  readonly topics: readonly string[];
  /** The subscriber acknowledges what it has and asks for what it lacks. */
  readonly settles?: boolean;
  /** What the test wants different in the site file. */
  readonly change?: (text: string) => string;
  /** The first message that says that all is there; without it, that services is online. */
  readonly ready?: (got: Got) => boolean;
}

/** Broker, somebody in the north, plant and gateway of the demonstration, all up. */
export async function openSite(name: string, options: OpenOptions): Promise<[SiteRun, Subscriber]> {
  const { load, topics, settles = false, change, ready = isOnline } = options;
  const run = await SiteRun.open(name, change);
  let north: Subscriber | undefined;
  try {
    await run.startBroker();
    north = await Subscriber.open({
      url: run.brokerUrl,
      version: 5,
      clientId: "north",
      topics,
      settles,
    });
    await run.startPlant(load);
    await run.startGateway();
    await north.wait("the gateway is there", READY_MS, ready);
    return [run, north];
  } catch (error) {
    await north?.close();
    await run.close();
    throw error;
  }
}

function isOnline({ topic, body }: Got): boolean {
  return topic === "status" && body["status"] === "online";
}
