import { CommandVerifier } from "../access/verify.ts";
import { LEASE_DEFAULT_MS, LEASE_MAXIMUM_MS } from "../config/schema.ts";
import type { Speaker } from "../dcpi/document.ts";
import { statusDocument } from "../dcpi/status.ts";
import { asBackfill } from "../dcpi/telemetry.ts";
import type { CommandQueue } from "../northbound/command-gate.ts";
import { mqttConnector } from "../northbound/mqtt/client.ts";
import { MqttPublisher } from "../northbound/mqtt/publisher.ts";
import type { Store } from "../store/store.ts";
import { brokerAddresses } from "./broker-addresses.ts";
import { VERSION } from "./package-root.ts";
import type { Role } from "./role.ts";
import type { SiteContext } from "./site-context.ts";

/** What of the site file decides which commands from the broker are taken. */
export function verifierOf({ site, mqtt, control }: SiteContext["site"]): CommandVerifier {
  return new CommandVerifier({
    unsigned: mqtt.unsignedCommands,
    facility: site,
    lease: {
      defaultMs: control?.leaseDefaultMs ?? LEASE_DEFAULT_MS,
      maximumMs: control?.leaseMaximumMs ?? LEASE_MAXIMUM_MS,
    },
  });
}

export interface PublisherParts {
  readonly speaker: Speaker;
  readonly prefix: string;
  readonly bootId: string;
  /** What comes from the broker waits there. */
  readonly gate: CommandQueue;
  readonly backlog: Store;
}

/** The connection to the site's brokers; its last word is that the gateway is offline. */
export function publisherOf(
  { clock, log, random, context }: Role,
  { speaker, prefix, bootId, gate, backlog }: PublisherParts,
): MqttPublisher {
  const { site } = context;
  const lost = {
    state: "offline",
    bootId,
    version: VERSION,
    clock: { isSynchronized: false, offsetMs: undefined },
    reasons: ["connection-lost"],
  } as const;
  const payload = statusDocument(speaker, lost, clock.utcNow());
  return new MqttPublisher(
    {
      brokers: brokerAddresses(site),
      clientId: `${site.site}-${site.gateway}`,
      commandFilter: `${prefix}cmd/#`,
      will: { topic: `${prefix}status`, payload },
    },
    {
      connect: mqttConnector(clock, log),
      gate,
      clock,
      log,
      random,
      backlog,
      flagBackfill: asBackfill,
    },
  );
}
