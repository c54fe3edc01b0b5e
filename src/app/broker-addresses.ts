import type { SiteConfig } from "../config/schema.ts";
import { GatewayError } from "../domain/errors.ts";
import type { BrokerAddress } from "../northbound/mqtt/connection.ts";

const PORT_BY_PROTOCOL: Readonly<Record<string, number>> = { "mqtt:": 1883 };

/**
 * The brokers of a site in the order of preference.
 *
 * @throws GatewayError CONFIG_INVALID for an address that cannot be used
 */
export function brokerAddresses(site: SiteConfig): BrokerAddress[] {
  return site.mqtt.brokers.map(({ url }) => {
    const parsed = URL.canParse(url) ? new URL(url) : undefined;
    const port = parsed === undefined ? undefined : PORT_BY_PROTOCOL[parsed.protocol];
    if (parsed === undefined || port === undefined)
      throw new GatewayError("CONFIG_INVALID", {
        url: url.replace(/\/\/[^@/]*@/, "//"),
        reason: "a broker is mqtt://host:port",
      });
    return {
      host: parsed.hostname,
      port: parsed.port === "" ? port : Number(parsed.port),
      username: parsed.username === "" ? undefined : decodeURIComponent(parsed.username),
      password: parsed.password === "" ? undefined : decodeURIComponent(parsed.password),
    };
  });
}
