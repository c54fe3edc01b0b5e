import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { iec61850Import } from "../../../src/app/commands/iec61850-import.ts";
import { deviceRead } from "../../../src/app/commands/device-read.ts";
import { deviceWrite } from "../../../src/app/commands/device-write.ts";
import { parseSite } from "../../../src/config/load.ts";
import { ProfileLibrary } from "../../../src/profiles/library.ts";
import { SCL_BYTES_MAX } from "../../../src/scl/xml-reader.ts";
import { modelOf, smallFile, STATION_FILE, stationText } from "../../scl/support.ts";
import { said, serve } from "./iec61850-bench.ts";

describe("iec61850 import", function () {
  this.timeout(20_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "import-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function fileOf(text: string | Uint8Array, name = "a.icd"): string {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  }

  async function firstError(file: string, options: Record<string, string> = {}): Promise<string> {
    const { status, out, err } = await said(iec61850Import, [file], options);
    assert.equal(status, 1);
    assert.deepEqual(out, []);
    return (err[0] ?? "").replace(file, "FILE");
  }

  it("proposes a profile that compiles, and lines that a site file takes", async () => {
    const { status, out, err } = await said(iec61850Import, [STATION_FILE], {
      ied: "BESS1",
      out: folder,
    });
    assert.equal(status, 0);
    assert.deepEqual(out, [path.join(folder, "example-works", "station-controller.json")]);
    const compiled = new ProfileLibrary(folder).compile("example-works/station-controller");
    assert.equal(compiled.deviceClass, "bess");
    assert.deepEqual(
      compiled.iec61850?.reports.map(({ ld, blocks }) => [ld, blocks]),
      [
        ["BESS1LD0", ["urcbMeas01", "urcbMeas02"]],
        ["BESS1LD0", ["brcbState"]],
      ],
    );
    assert.equal(compiled.iec61850.writes.size, 0);
    const lines = err.slice(err.indexOf("# for the site file:") + 1).join("\n");
    const mqtt = 'mqtt: { brokers: [{ url: "mqtt://127.0.0.1:1" }] }';
    const site = `site: a\ngateway: g\n${mqtt}\n${lines}\n`;
    const parsed = parseSite(site);
    assert.ok("site" in parsed, JSON.stringify(parsed));
    assert.deepEqual(parsed.site.connections["bess1"], {
      protocol: "iec61850",
      host: "192.0.2.21",
    });
    assert.ok(
      err.some((line) => line.includes("DRCC1.OutWSet (direct-with-normal-security, could")),
    );
  });

  it("puts the profile alone on the output, or all of it as JSON", async () => {
    const { out } = await said(iec61850Import, [STATION_FILE], { ied: "RELAY1" });
    const profile = JSON.parse(out.join("\n")) as { identity: unknown; iec61850: unknown };
    assert.deepEqual(profile.identity, {
      manufacturer: "Example Works",
      model: "Feeder relay",
      class: "breaker",
      protocols: ["iec61850"],
    });
    assert.deepEqual(profile.iec61850, { edition: "2007B4", root: "FEEDER_A" });
    const json = await said(iec61850Import, [STATION_FILE], { ied: "RELAY1", json: true });
    const [line, ...more] = json.out;
    assert.deepEqual(more, []);
    const answer = JSON.parse(line ?? "") as { name: string; controls: unknown[] };
    assert.equal(answer.name, "example-works/feeder-relay");
    assert.equal(answer.controls.length, 1);
  });

  it("never replaces a profile that is there", async () => {
    const options = { ied: "BESS1", out: folder };
    await said(iec61850Import, [STATION_FILE], options);
    const file = path.join(folder, "example-works", "station-controller.json");
    writeFileSync(file, "mine");
    const { status, err } = await said(iec61850Import, [STATION_FILE], options);
    assert.equal(status, 1);
    assert.match(err[0] ?? "", /is there already, and is left as it is/);
    assert.equal(readFileSync(file, "utf8"), "mine");
  });

  it("says where the file is wrong, and what to do", async () => {
    assert.match(await firstError(STATION_FILE), /choose one with --ied \(BESS1, RELAY1\)/);
    assert.match(await firstError(fileOf("<SCL>")), /^FILE:1:\d+: <SCL> is not in the namespace/);
    assert.match(await firstError(fileOf("PK\u0003\u0004zip")), /^FILE:1:\d+: this is no XML/);
    assert.match(await firstError(fileOf("")), /^FILE:1:\d+: /);
    const plain = fileOf(smallFile({}));
    assert.match(await firstError(plain), /nothing in "A" says what kind .* say it with --class/);
    assert.match(
      await firstError(plain, { class: "meter" }),
      /no value that could be a point of a/,
    );
  });

  it("reads no file that is larger than any SCL file", async () => {
    const file = fileOf("<SCL");
    truncateSync(file, SCL_BYTES_MAX + 1);
    assert.equal(await firstError(file), "FILE: the file has 65 MiB, and 64 are the most");
  });

  it("reads the encodings in which tools write", async () => {
    const text = stationText().replace("Feeder relay", "Relais Gerät");
    const latin = Buffer.from(text.replace('encoding="UTF-8"', 'encoding="ISO-8859-1"'), "latin1");
    const wide = Buffer.from(
      `\uFEFF${text.replace('encoding="UTF-8"', 'encoding="UTF-16"')}`,
      "utf16le",
    );
    const marked = Buffer.from(`\uFEFF${text}`);
    for (const bytes of [latin, wide, marked]) {
      const { out, err } = await said(iec61850Import, [fileOf(bytes)], { ied: "RELAY1" });
      assert.match(out.join("\n"), /"model": "Relais Gerät"/, err.join("\n"));
    }
    const odd = fileOf(text.replace('encoding="UTF-8"', 'encoding="x-own"'));
    assert.match(await firstError(odd), /^FILE:1:1: the file is in an encoding that is not known/);
  });

  it("is told when it is used wrongly", async () => {
    assert.equal((await said(iec61850Import, [])).status, 2);
    const wrong = await said(iec61850Import, [STATION_FILE], { class: "chillr" });
    assert.deepEqual(
      [wrong.status, wrong.err],
      [2, ['there is no class of equipment "chillr"; did you mean chiller?']],
    );
    await assert.rejects(said(iec61850Import, ["no/such.scd"]), { code: "FILE_UNREADABLE" });
  });

  it("makes a profile by which the device that the file describes is read and written", async () => {
    await said(iec61850Import, [STATION_FILE], { ied: "BESS1", out: folder });
    const profile = path.join(folder, "example-works", "station-controller.json");
    // What a person adds after looking at it.
    const draft = JSON.parse(readFileSync(profile, "utf8")) as { points: object[] };
    const write = {
      control: "direct",
      range: [-500_000, 500_000],
      readBack: { withinMs: 500, tolerance: 1 },
      danger: "power",
    };
    const points = draft.points.map((line) =>
      "point" in line && line.point === "active-power-setpoint" ? { ...line, write } : line,
    );
    points.push({
      ...{ point: "x-switch", values: { 0: "open", 1: "close" }, fc: "ST", source: "scl" },
      ...{
        write: {
          at: "XCBR1.Pos",
          control: "sbo-enhanced",
          readBack: false,
          why: "its position is another point",
          danger: "interrupts-load",
        },
      },
    });
    writeFileSync(profile, JSON.stringify({ ...draft, points }));
    const ied = await serve(modelOf(stationText(), "BESS1"));
    const config = path.join(folder, "site.yaml");
    writeFileSync(
      config,
      `site: one
gateway: gw-1
profileDirectory: .
mqtt: { brokers: [{ url: "mqtt://127.0.0.1:1" }] }
connections:
  bess1: { protocol: iec61850, host: 127.0.0.1, port: ${ied.server.port} }
devices:
  - { id: bess1, profile: example-works/station-controller, connection: bess1 }
envelope:
  - { device: bess1, point: active-power-setpoint, minimum: -100, maximum: 100, unit: kW }
  - { device: bess1, point: x-switch, minimum: 0, maximum: 1, unit: "1" }
`,
    );
    try {
      const read = await said(deviceRead, ["bess1", "active-power"], { config });
      assert.match(read.out[0] ?? "", /^active-power +1250500 W +good$/);
      const words = ["bess1", "active-power-setpoint", "50", "kW"];
      const dry = await said(deviceWrite, words, { config, "dry-run": true });
      assert.deepEqual(dry.out, [
        `bess1/active-power-setpoint = 50000 W, at ${ied.address}; on the wire:`,
        "  value  operate BESS1LD0/DRCC1.OutWSet.Oper[CO] = 50000",
        "  danger: power",
        "a dry run: nothing was written",
      ]);
      const value = () => ied.server.device.find("BESS1LD0/DRCC1.OutWSet.mxVal.f[MX]")?.value;
      assert.deepEqual(value(), { kind: "float", value: 0, width: 32 });
      const written = await said(deviceWrite, words, { config, yes: true });
      assert.equal(written.out.at(-1), "written, and the device shows 50000 W");
      assert.deepEqual(value(), { kind: "float", value: 50_000, width: 32 });
      const open = ["bess1", "x-switch", "open"];
      const rehearsed = await said(deviceWrite, open, { config, "dry-run": true });
      assert.deepEqual(rehearsed.out.slice(1, 4), [
        "  before select with value BESS1LD0/XCBR1.Pos.SBOw[CO] = false",
        "  value  operate BESS1LD0/XCBR1.Pos.Oper[CO] = false",
        "  danger: interrupts-load",
      ]);
    } finally {
      await ied.stop();
    }
  });
});
