import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { endpointOf, iec61850Browse } from "../../../src/app/commands/iec61850-browse.ts";
import { typeText, valueJson, valueText } from "../../../src/app/commands/iec61850-text.ts";
import type { SclAttribute, SclModel, SclObject } from "../../../src/scl/model.ts";
import { encodePosition, encodeQuality } from "../../../src/wire/mms/quality.ts";
import { bitsOf } from "../../../src/wire/mms/value.ts";
import { modelOf, stationText } from "../../scl/support.ts";
import { freePorts } from "../../support/loopback.ts";
import { said, serve, type ServedIed } from "./iec61850-bench.ts";

interface BrowsedJson {
  readonly devices: readonly {
    readonly name: string;
    readonly nodes: readonly {
      readonly name: string;
      readonly objects: readonly {
        readonly name: string;
        readonly control?: string;
        readonly values: readonly { readonly path: string; readonly fc: string }[];
      }[];
      readonly dataSets: readonly { readonly name: string; readonly members: readonly string[] }[];
      readonly reports: readonly { readonly name: string }[];
    }[];
  }[];
}

/** Every value of an SCL model as `LD/LN.DO.DA[FC]`. */
function referencesOf({ devices }: SclModel): string[] {
  const ofAttribute = (at: string, { name, fc, members }: SclAttribute, own = fc): string[] =>
    members.length === 0
      ? [`${at}.${name}[${own ?? ""}]`]
      : members.flatMap((member) => ofAttribute(`${at}.${name}`, member, own));
  const ofObject = (at: string, { name, attributes, parts }: SclObject): string[] => [
    ...attributes.flatMap((attribute) => ofAttribute(`${at}.${name}`, attribute)),
    ...parts.flatMap((part) => ofObject(`${at}.${name}`, part)),
  ];
  return devices.flatMap((device) =>
    device.nodes.flatMap((node) =>
      node.objects.flatMap((object) => ofObject(`${device.name}/${node.name}`, object)),
    ),
  );
}

function referencesIn({ devices }: BrowsedJson): string[] {
  return devices.flatMap((device) =>
    device.nodes.flatMap((node) =>
      node.objects.flatMap((object) =>
        object.values.map(
          ({ path, fc }) => `${device.name}/${node.name}.${object.name}.${path}[${fc}]`,
        ),
      ),
    ),
  );
}

describe("iec61850 browse", function () {
  this.timeout(20_000);
  const scl = modelOf(stationText(), "BESS1");
  let ied: ServedIed;
  before(async () => {
    ied = await serve(scl);
  });
  after(async () => {
    await ied.stop();
  });

  it("finds in the device exactly what its SCL file says", async () => {
    const { status, out } = await said(iec61850Browse, [ied.address], { json: true });
    assert.equal(status, 0);
    const found = JSON.parse(out[0] ?? "") as BrowsedJson;
    assert.deepEqual(referencesIn(found).sort(), referencesOf(scl).sort());
    const nodes = found.devices.flatMap((device) => device.nodes);
    const [common] = nodes;
    assert.deepEqual(
      common?.dataSets.map(({ name, members }) => [name, members.at(-1)]),
      [
        ["dsMeas", "BESS1BAT/M1ZBAT1.Vol[MX]"],
        ["dsState", "BESS1LD0/LLN0.Beh[ST]"],
      ],
    );
    assert.deepEqual(
      common.reports.map(({ name }) => name),
      ["urcbMeas01", "urcbMeas02", "brcbState"],
    );
    const controls = nodes.flatMap(({ name, objects }) =>
      objects.flatMap((object) =>
        object.control === undefined ? [] : [`${name}.${object.name} ${object.control}`],
      ),
    );
    assert.deepEqual(controls.sort(), [
      "DRCC1.AutoManCtl status-only",
      "DRCC1.OutWSet direct-normal",
      "XCBR1.Pos sbo-enhanced",
    ]);
  });

  it("shows it as a tree, without values and with them", async () => {
    const plain = await said(iec61850Browse, [ied.address]);
    const lines = plain.out.map((line) => line.replaceAll(/ +/g, " "));
    assert.equal(plain.out[0], "BESS1LD0");
    assert.ok(plain.out.includes("    Pos  control: sbo-enhanced"));
    assert.ok(lines.includes(" [MX] mag.f float32"));
    assert.ok(
      lines.some((line) => / report brcbState \(buffered\): .*DatSet "BESS1LD0/.test(line)),
    );
    const valued = await said(iec61850Browse, [ied.address], { values: true });
    const full = valued.out.map((line) => line.replaceAll(/ +/g, " "));
    assert.ok(full.includes(" [MX] mag.f float32 1250.5"));
    assert.ok(full.includes(" [ST] stVal bits 2 closed"));
    assert.ok(full.includes(" [ST] q bits 13 good"));
    assert.ok(full.includes(" [ST] t time never"));
    assert.equal(full.length, lines.length);
  });

  it("says in one sentence why there is nothing to show, with status 3", async () => {
    const [port] = await freePorts(1);
    const { status, out, err } = await said(iec61850Browse, [`127.0.0.1:${port ?? 0}`]);
    assert.equal(status, 3);
    assert.deepEqual(out, []);
    assert.deepEqual(err, [
      `127.0.0.1:${port ?? 0} cannot be reached: nobody listens on that port there`,
    ]);
  });

  it("gives up a device that says nothing when its time is over", async () => {
    const mute = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => mute.once("listening", resolve));
    const { port } = mute.address() as AddressInfo;
    const sockets: { destroy(): void }[] = [];
    mute.on("connection", (socket) => sockets.push(socket));
    const { status, err } = await said(iec61850Browse, [`127.0.0.1:${port}`], { timeout: "0.1" });
    for (const socket of sockets) socket.destroy();
    mute.close();
    assert.equal(status, 3);
    assert.match(err[0] ?? "", /was given up: not done in 0\.1 s; give it more with --timeout/);
  });

  it("ends without a word when it is told to", async () => {
    const stop = new AbortController();
    const asked = said(iec61850Browse, [ied.address], { values: true }, stop.signal);
    stop.abort(new Error("told to"));
    assert.deepEqual(await asked, { status: 3, out: [], err: [] });
  });

  it("says that the other side is no MMS", async () => {
    const web = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => web.once("listening", resolve));
    const { port } = web.address() as AddressInfo;
    const { status, err } = await said(iec61850Browse, [`127.0.0.1:${port}`]);
    web.close();
    assert.equal(status, 3);
    assert.match(err[0] ?? "", / answers something that is no MMS$/);
  });

  it("asks for an address, and for whom to trust", async () => {
    assert.match((await said(iec61850Browse, [])).err[0] ?? "", /needs the address of a device/);
    const odd = await said(iec61850Browse, ["a b"]);
    assert.deepEqual([odd.status, odd.out], [2, []]);
    await assert.rejects(said(iec61850Browse, ["127.0.0.1:1"], { tls: true }), {
      code: "CONFIG_INVALID",
      context: { reason: "--tls needs --ca <file>: who may vouch for the device" },
    });
    const noKey = { ca: "package.json", cert: "package.json" };
    await assert.rejects(said(iec61850Browse, ["127.0.0.1:1"], noKey), { code: "CONFIG_INVALID" });
    const noFile = { ca: "no/such/file.pem" };
    await assert.rejects(said(iec61850Browse, ["127.0.0.1:1"], noFile), {
      code: "FILE_UNREADABLE",
    });
  });
});

describe("iec61850 browse over TLS", function () {
  this.timeout(20_000);
  let folder: string;
  let ied: ServedIed;

  /** A certificate that vouches for itself, made for this run. */
  function certificate(name: string): { readonly cert: string; readonly key: string } {
    const place = (ending: string): string => path.join(folder, `${name}.${ending}`);
    const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    args.push("-nodes", "-keyout", place("key"), "-out", place("pem"), "-subj", `/CN=${name}`);
    args.push("-addext", "subjectAltName=DNS:bess.example");
    execFileSync("openssl", args, { stdio: "ignore" });
    return { cert: readFileSync(place("pem"), "utf8"), key: readFileSync(place("key"), "utf8") };
  }

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "browse-tls-"));
    const device = certificate("device");
    certificate("stranger");
    ied = await serve(modelOf(stationText(), "RELAY1"), device);
  });
  after(async () => {
    await ied.stop();
    rmSync(folder, { recursive: true });
  });

  const trusting = async (name: string, more: Record<string, string> = {}) =>
    said(iec61850Browse, [ied.address], { tls: true, ca: path.join(folder, name), ...more });

  it("trusts whom it is told to, by the name in the certificate", async () => {
    const { status, out } = await trusting("device.pem", { "server-name": "bess.example" });
    assert.equal(status, 0);
    assert.equal(out[0], "FEEDER_A");
  });

  it("says why a device is not trusted, and does not go on without TLS", async () => {
    const stranger = await trusting("stranger.pem", { "server-name": "bess.example" });
    assert.equal(stranger.status, 3);
    assert.match(stranger.err[0] ?? "", /the device vouches for itself: give its certificate with/);
    const unnamed = await trusting("device.pem");
    assert.match(unnamed.err[0] ?? "", /of another name: give the name in it with --server-name/);
    const plain = await said(iec61850Browse, [ied.address], { timeout: "2" });
    assert.equal(plain.status, 3);
  });
});

describe("address of an IEC 61850 device", () => {
  it("is a name or an address, with a port or the usual one", () => {
    assert.deepEqual(endpointOf("ied.example", false), { host: "ied.example", port: 102 });
    assert.deepEqual(endpointOf("192.0.2.1", true), { host: "192.0.2.1", port: 3_782 });
    assert.deepEqual(endpointOf("192.0.2.1:1102", true), { host: "192.0.2.1", port: 1_102 });
    assert.deepEqual(endpointOf("[2001:db8::1]:102", false), { host: "2001:db8::1", port: 102 });
    assert.deepEqual(endpointOf("2001:db8::1", false), { host: "2001:db8::1", port: 102 });
    for (const odd of ["", "a b", "host:0", "host:70000", "host:", "[::1", "http://host"]) {
      assert.equal(endpointOf(odd, false), undefined, odd);
    }
  });
});

describe("types and values of MMS for people", () => {
  it("are short and say what they mean", () => {
    const quality = encodeQuality({
      validity: "questionable",
      details: ["old-data"],
      isSubstituted: true,
      isTest: false,
      isOperatorBlocked: false,
    });
    const open = { kind: "bits", ...encodePosition("open") } as const;
    const rows = [
      [{ kind: "bits", ...quality }, "q", "questionable (old-data, substituted)"],
      [open, "stVal", "open"],
      [open, "Check", "01"],
      [{ kind: "octets", bytes: Uint8Array.of(1, 255) }, "orIdent", "01ff"],
      [{ kind: "text", value: 'a"b' }, "vendor", '"a\\"b"'],
      [{ kind: "float", value: 0.1 + 0.2, width: 64 }, "f", "0.3"],
      [{ kind: "error", code: 3 }, "f", "(object-access-denied)"],
      [{ kind: "integer", value: 2n ** 60n }, "i", "1152921504606846976"],
    ] as const;
    for (const [value, name, text] of rows) assert.equal(valueText(value, name), text);
    assert.equal(valueJson({ kind: "integer", value: 2n ** 60n }, "i"), "1152921504606846976");
    assert.equal(valueJson({ kind: "float", value: Number.NaN, width: 32 }, "f"), "NaN");
    assert.deepEqual(valueJson({ kind: "error", code: 3 }, "f"), {
      error: "object-access-denied",
    });
    assert.equal(valueJson({ kind: "bits", ...bitsOf(3, [0]) }, "x"), "100");
    assert.equal(typeText({ kind: "unsigned", bits: 8 }), "int8u");
    assert.equal(typeText({ kind: "text", size: -129 }), "text 129");
    assert.equal(
      typeText({ kind: "array", count: 4, element: { kind: "boolean" } }),
      "4 × boolean",
    );
  });
});
