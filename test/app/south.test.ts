import { strict as assert } from "node:assert";
import { endpointOf } from "../../src/app/south.ts";
import { isModbus } from "../../src/config/connection-port.ts";
import { parseSite } from "../../src/config/load.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";

function endpoints(site: string) {
  const parsed = parseSite(site);
  assert.ok("site" in parsed, JSON.stringify(parsed));
  return Object.values(parsed.site.connections).filter(isModbus).map(endpointOf);
}

describe("connections of the site file", () => {
  it("speak by the gateway's own client, or by the library where the site says so", () => {
    const [usual] = endpoints(SAMPLE_SITE);
    assert.ok(usual?.kind === "tcp");
    assert.equal(usual.client, "own");
    const protocol = "protocol: modbus-tcp,";
    const site = SAMPLE_SITE.replace(protocol, `${protocol} client: modbus-serial,`);
    const [chosen] = endpoints(site);
    assert.deepEqual(chosen, { ...usual, client: "modbus-serial" });
  });

  it("cannot be given a client that there is not", () => {
    const wrong = SAMPLE_SITE.replace("protocol: modbus-tcp,", "protocol: modbus-tcp, client: x,");
    assert.ok(!("site" in parseSite(wrong)));
  });
});
