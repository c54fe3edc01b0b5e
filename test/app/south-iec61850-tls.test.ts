import { strict as assert } from "node:assert";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { TlsOptions } from "node:tls";
import { type Certificate, expiredCertificate, selfSigned } from "../support/certificates.ts";
import { scratchFolder } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { type Chain, withChain } from "./station-chain.ts";

const FIRST_BAD = 64;

describe("devices of IEC 61850 over TLS, from the site file", function () {
  this.timeout(30_000);
  let folder: string;
  let device: Certificate;
  let gateway: Certificate;
  let expired: Certificate;

  before(async () => {
    folder = await scratchFolder("station-tls");
    device = selfSigned(folder, "device");
    gateway = selfSigned(folder, "gateway");
    expired = expiredCertificate(folder);
  });
  after(async () => {
    await rm(folder, { recursive: true });
  });

  /** Files as the connections of the site name them, beside the site file. */
  async function place(chain: Chain, trusted: Certificate): Promise<void> {
    const files = { ca: trusted.certificate, gw: gateway.certificate, key: gateway.key };
    for (const [name, text] of Object.entries(files))
      await writeFile(path.join(chain.folder, `${name}.pem`), text);
  }

  const TRUSTED = ", tls: { trusted: ca.pem }";
  const WITH_OURS = ", tls: { trusted: ca.pem, certificate: gw.pem, key: key.pem }";

  function served(own: Certificate, clientsBy?: Certificate): TlsOptions {
    const client =
      clientsBy === undefined
        ? {}
        : { ca: clientsBy.certificate, requestCert: true, rejectUnauthorized: true };
    return { cert: own.certificate, key: own.key, ...client };
  }

  /** The one sentence in which the loss of the relay is told. */
  async function refusal(terms: {
    readonly connection: string;
    readonly tls?: TlsOptions;
    readonly trusted?: Certificate;
  }): Promise<string> {
    let text = "";
    await withChain(async (chain) => {
      await place(chain, terms.trusted ?? device);
      await chain.run(async () => {
        const told = () => chain.events.find(({ device: name }) => name === "relay");
        await until(() => told() !== undefined, "the loss");
        assert.equal(told()?.id, "no-communication");
        text = told()?.text ?? "";
        await until(() => (chain.lastOf("relay/position")?.quality ?? 0) >= FIRST_BAD, "bad");
        assert.equal(chain.lastOf("relay/link-up")?.value, 0);
        const associations = chain.simulation.station("relay").device?.counters.associations;
        assert.equal(associations, 0, "it is not spoken to without TLS");
      });
    }, terms);
    assert.ok(!text.includes("\n"), text);
    return text;
  }

  it("are read when each shows the other a certificate that it trusts", async () => {
    const tls = served(device, gateway);
    await withChain(
      async (chain) => {
        await place(chain, device);
        await chain.run(async () => {
          await until(() => chain.lastOf("relay/position")?.quality === 0, "a position");
          await until(() => chain.lastOf("bess-station/link-up")?.value === 1, "the station");
          assert.deepEqual(chain.events, []);
        });
      },
      { connection: WITH_OURS, tls },
    );
  });

  const refusals = [
    {
      name: "nobody trusted vouches for them",
      text: /relay is lost: .*nobody whom tls\/trusted names vouches for the device/,
      terms: () => ({ connection: TRUSTED, tls: served(device), trusted: gateway }),
    },
    {
      name: "their certificate has expired",
      text: /relay is lost: .*the certificate of the device has expired/,
      terms: () => ({ connection: TRUSTED, tls: served(expired), trusted: expired }),
    },
    {
      name: "they want a certificate of ours and the site has none",
      text: /relay is lost: .*wants a certificate of ours: tls\/certificate and tls\/key/,
      terms: () => ({ connection: TRUSTED, tls: served(device, gateway) }),
    },
    {
      name: "they speak without TLS",
      text: /relay is lost: .*it may speak without TLS only/,
      terms: () => ({ connection: TRUSTED }),
    },
  ] as const;
  for (const { name, text, terms } of refusals) {
    it(`are bad when ${name}, and it is said in a sentence`, async () => {
      assert.match(await refusal(terms()), text);
    });
  }
});
