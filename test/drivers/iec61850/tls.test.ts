import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { TlsTerms } from "../../../src/drivers/iec61850/engine.ts";
import { type Certificate, expiredCertificate, selfSigned } from "../../support/certificates.ts";
import { scratchFolder } from "../../support/processes.ts";
import { associated, CALL, type Setup, setUp } from "./setup.ts";

describe("iec61850 over TLS", () => {
  let folder: string;
  let setup: Setup | undefined;
  let device: Certificate;
  let expired: Certificate;
  let stranger: Certificate;
  let lastCause: unknown;

  before(async () => {
    folder = await scratchFolder("iec61850-tls");
    device = selfSigned(folder, "device");
    stranger = selfSigned(folder, "stranger");
    expired = expiredCertificate(folder);
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  afterEach(async () => {
    await setup?.stop();
    setup = undefined;
  });

  async function serve(own: Certificate, clientsBy?: Certificate): Promise<Setup> {
    const client =
      clientsBy === undefined
        ? {}
        : { ca: clientsBy.certificate, requestCert: true, rejectUnauthorized: true };
    setup = await setUp({ tls: { cert: own.certificate, key: own.key, ...client } });
    return setup;
  }

  function trusting(own: Certificate, more: Partial<TlsTerms> = {}): TlsTerms {
    return { trusted: own.certificate, identity: undefined, serverName: undefined, ...more };
  }

  async function codeWith(present: Setup, tls: TlsTerms | undefined): Promise<string> {
    try {
      const terms = tls === undefined ? {} : { tls };
      const association = await associated(present, { ...terms, connectTimeoutMs: 2_000 });
      await association.release(CALL);
      return "associated";
    } catch (error) {
      assert.ok(error instanceof GatewayError, String(error));
      lastCause = error.cause;
      return error.code;
    }
  }

  it("associates with a device that its authority vouches for", async () => {
    assert.equal(await codeWith(await serve(device), trusting(device)), "associated");
  });

  it("refuses a device of another authority", async () => {
    assert.equal(await codeWith(await serve(device), trusting(stranger)), "LINK_REFUSED");
  });

  it("refuses a certificate that has expired", async () => {
    assert.equal(await codeWith(await serve(expired), trusting(expired)), "LINK_REFUSED");
    assert.match(String(lastCause), /expired/);
  });

  it("refuses a certificate of another name", async () => {
    const tls = trusting(device, { serverName: "ups.example" });
    assert.equal(await codeWith(await serve(device), tls), "LINK_REFUSED");
    await setup?.stop();
    const named = trusting(device, { serverName: "bess.example" });
    assert.equal(await codeWith(await serve(device), named), "associated");
  });

  it("shows its own certificate to a device that asks for one", async () => {
    const present = await serve(device, stranger);
    const known = trusting(device, { identity: stranger });
    assert.equal(await codeWith(present, known), "associated");
    assert.notEqual(await codeWith(present, trusting(device)), "associated");
  });

  it("does not fall back to a device that speaks without TLS", async () => {
    setup = await setUp();
    assert.equal(await codeWith(setup, trusting(device)), "LINK_REFUSED");
    assert.equal(setup.peer.connections, 1);
  });
});
