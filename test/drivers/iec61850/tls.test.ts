import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { GatewayError } from "../../../src/domain/errors.ts";
import type { TlsTerms } from "../../../src/drivers/iec61850/engine.ts";
import { scratchFolder } from "../../support/processes.ts";
import { associated, CALL, type Setup, setUp } from "./setup.ts";

interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

describe("iec61850 over TLS", () => {
  let folder: string;
  let setup: Setup | undefined;
  let device: Certificate;
  let expired: Certificate;
  let stranger: Certificate;
  let lastCause: unknown;

  /** A certificate that vouches for itself, made for this run. */
  function certificate(name: string, ...more: string[]): Certificate {
    const key = path.join(folder, `${name}.key`);
    const file = path.join(folder, `${name}.pem`);
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    args.push("-nodes", "-keyout", key, "-out", file, "-subj", `/CN=${name}`);
    args.push("-addext", "subjectAltName=IP:127.0.0.1,DNS:bess.example", ...more);
    execFileSync("openssl", args, { stdio: "ignore" });
    return { certificate: readFileSync(file, "utf8"), key: readFileSync(key, "utf8") };
  }

  /** One whose time is over: only an authority can date a certificate back. */
  function expiredCertificate(): Certificate {
    const { key } = certificate("expired");
    const place = (name: string): string => path.join(folder, name);
    writeFileSync(
      place("authority.cnf"),
      [
        "[ca]\ndefault_ca = own",
        `[own]\nnew_certs_dir = ${folder}\ndatabase = ${place("index")}`,
        `serial = ${place("serial")}\npolicy = any\ndefault_md = sha256`,
        "[any]\ncommonName = supplied\n[req]\ndistinguished_name = none\n[none]\n",
      ].join("\n"),
    );
    writeFileSync(place("index"), "");
    writeFileSync(place("serial"), "01\n");
    const common = ["-config", place("authority.cnf"), "-batch"];
    const request = ["req", "-new", "-key", place("expired.key"), "-subj", "/CN=127.0.0.1"];
    execFileSync("openssl", [...request, ...common, "-out", place("csr")], { stdio: "ignore" });
    const sign = ["ca", "-selfsign", "-keyfile", place("expired.key"), "-in", place("csr")];
    sign.push("-startdate", "20200101000000Z", "-enddate", "20200102000000Z", "-notext");
    execFileSync("openssl", [...sign, ...common, "-out", place("old.pem")], { stdio: "ignore" });
    return { certificate: readFileSync(place("old.pem"), "utf8"), key };
  }

  before(async () => {
    folder = await scratchFolder("iec61850-tls");
    device = certificate("device");
    stranger = certificate("stranger");
    expired = expiredCertificate();
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
    assert.match(await codeWith(setup, trusting(device)), /^LINK_(REFUSED|LOST)$/);
    assert.equal(setup.peer.connections, 1);
  });
});
