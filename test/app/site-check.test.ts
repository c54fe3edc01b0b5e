import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { configCheck } from "../../src/app/commands/config.ts";
import { runGateway } from "../../src/app/commands/roles.ts";
import { simulate } from "../../src/app/commands/simulate.ts";
import { demoSiteText } from "../../src/app/demo/site.ts";
import { nearestName } from "../../src/app/nearest-name.ts";
import { inspectSite } from "../../src/app/site-check.ts";
import type { CommandCall, ExitStatus } from "../../src/app/terminal.ts";
import { problemLine } from "../../src/config/problem.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { withThermal } from "../support/thermal-site.ts";

const DEMO = { basePort: 1, mqttPort: 2, directory: "data", runtimeDirectory: "run" } as const;
const lost = SAMPLE_SITE.replace("vertiv/liebert-hpc", "vertiv/libert-hpc");
const SENTENCE =
  '"chiller-1": there is no profile "vertiv/libert-hpc"; did you mean vertiv/liebert-hpc?';

function linesOf(text: string, which: "problems" | "warnings" = "problems"): string[] {
  return inspectSite(text, "site.yaml")[which].map((problem) => problemLine("site.yaml", problem));
}

describe("inspection of a site", () => {
  it("names the device, its line and the profile that was probably meant", () => {
    assert.deepEqual(linesOf(lost), [`site.yaml:24:31: ${SENTENCE}`]);
    assert.deepEqual(linesOf(SAMPLE_SITE), []);
  });

  it("looks at the profiles of a file with other mistakes as well, and at each place once", () => {
    const text = lost
      .replace("gateway: gw-1", "gateway: GW 1")
      .replace("janitza/umg604", "Janitza")
      .replace("connection: bess-1, process", "unit: x, connection: bess-1, process");
    assert.deepEqual(
      linesOf(text).map((line) => line.replace(/^\S+ /, "")),
      [
        "gateway must look like ^[a-z][a-z0-9-]{0,39}$",
        "devices/0/profile must look like ^[a-z0-9-]+/[a-z0-9.-]+$",
        "devices/1/unit must be integer",
        SENTENCE,
      ],
    );
  });

  it("says that a line of the envelope is never used where the device is only observed", () => {
    const observed = SAMPLE_SITE.replace(
      "envelope:",
      "envelope:\n  - { device: chiller-1, point: secondary.supply-temperature-setpoint, " +
        "minimum: 14, maximum: 24, unit: Cel }",
    );
    const [line, ...rest] = linesOf(observed);
    assert.match(line ?? "", /"chiller-1" is only observed, .* give it `drive: request`/);
    assert.deepEqual(rest, []);
    const asked = observed.replace("vertiv/liebert-hpc,", "vertiv/liebert-hpc, drive: request,");
    assert.deepEqual(linesOf(asked), []);
  });

  it("says that a coolant unit is to be driven whose own line says that it is not", () => {
    const text = withThermal(demoSiteText(DEMO));
    assert.deepEqual(linesOf(text), []);
    const contrary = text.replace(/(id: cdu-3,.*), drive: control/, "$1, drive: request");
    const [line, ...rest] = linesOf(contrary);
    assert.match(
      line ?? "",
      /"cdu-3" is to be driven, .* says request: give the device `drive: control`/,
    );
    assert.deepEqual(rest, []);
  });

  it("says at its place what keeps a point from being a sensor of a coolant unit", () => {
    const base = withThermal(demoSiteText(DEMO));
    const linesWith = (key: string, points: string): string[] => {
      const line = `      ${key}: { points: [${points}] }\n`;
      const text = base.replace("    - device: cdu-5\n", `${line}    - device: cdu-5\n`);
      assert.notEqual(text, base);
      return linesOf(text).map((each) => each.replace(/^site\.yaml:\d+:(\d+): /, "$1 "));
    };
    for (const [key, point, sentence] of [
      ["supplySensors", "x-loop-2-outlet-temperature", undefined],
      ["supplySensors", "cdu-33/secondary.flow", 'there is no device "cdu-33"'],
      [
        "returnSensors",
        "x-loop-2-inlet-temperatur",
        '"cdu-3" has no point x-loop-2-inlet-temperatur; did you mean x-loop-2-inlet-temperature?',
      ],
      [
        "supplySensors",
        "cdu-4/secondary.flow",
        "cdu-4/secondary.flow is in L/min: a sensor of the supply temperature is in Cel",
      ],
      [
        "flowSensors",
        "x-loop-2-outlet-temperature",
        "cdu-3/x-loop-2-outlet-temperature is in Cel: a sensor of the flow is in L/min",
      ],
      [
        "supplySensors",
        "pump-speed-setpoint",
        "cdu-3/pump-speed-setpoint is a setpoint, and no sensor",
      ],
      [
        "supplySensors",
        "secondary.supply-temperature",
        "cdu-3/secondary.supply-temperature already stands for the supply temperature of cdu-3",
      ],
      [
        "returnSensors",
        "cdu-4/secondary.return-temperature",
        "cdu-4/secondary.return-temperature already stands for the return temperature of cdu-4",
      ],
    ] as const) {
      const at = key.length + "      : { points: [".length + 1;
      const wanted = sentence === undefined ? [] : [`${at} ${sentence}`];
      assert.deepEqual(linesWith(key, point), wanted);
    }
    const twice = "x-loop-2-outlet-temperature, x-loop-2-outlet-temperature";
    const [line, ...rest] = linesWith("supplySensors", twice);
    assert.match(line ?? "", /already stands for the supply temperature of cdu-3$/);
    assert.deepEqual(rest, []);
  });

  it("warns where a device does not speak the protocol of its connection", () => {
    const wrong = SAMPLE_SITE.replace("vertiv/liebert-hpc", "deepgadget/l2a-cdu");
    assert.deepEqual(linesOf(wrong), []);
    assert.deepEqual(linesOf(wrong, "warnings"), [
      'site.yaml:24:63: "chiller-1": deepgadget/l2a-cdu speaks modbus-rtu and "chiller-1" is ' +
        "modbus-tcp, which is right only behind a converter that translates",
    ]);
    const right = wrong.replace(/(chiller-1: { protocol: )modbus-tcp/, "$1modbus-rtu-over-tcp");
    assert.deepEqual(linesOf(right, "warnings"), []);
    const place = { directory: "data", runtimeDirectory: "run" };
    const demo = demoSiteText({ basePort: 15_020, mqttPort: 18_830, ...place });
    assert.deepEqual(linesOf(demo, "warnings"), []);
  });
});

describe("nearest name", () => {
  const known = ["huawei/ups2000", "janitza/umg604", "schneider/iem3000"];

  it("is the one that is a slip of the hand away, and none where nothing is near", () => {
    assert.equal(nearestName("huawei/ups200", known), "huawei/ups2000");
    assert.equal(nearestName("huawie/ups2000", known), "huawei/ups2000");
    assert.equal(nearestName("huawei/ups5000-e", known), "huawei/ups2000");
    assert.equal(nearestName("acme/thing", known), undefined);
    assert.equal(nearestName("x", []), undefined);
  });
});

describe("commands with a site whose profile is missing", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "site-"));
  const file = path.join(folder, "site.yaml");
  before(() => {
    writeFileSync(file, lost);
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** What a command says, be it in lines or by its error. */
  async function saidBy(command: (call: CommandCall) => Promise<ExitStatus>): Promise<string> {
    const lines: string[] = [];
    const terminal = {
      out: (line: string) => lines.push(line),
      err: (line: string) => lines.push(line),
      draw: () => undefined,
      screen: undefined,
      hasColour: false,
    };
    const { signal } = new AbortController();
    try {
      await command({ positionals: [file], options: {}, terminal, signal });
    } catch (error) {
      assert.ok(error instanceof GatewayError && error.retry === "permanent");
      lines.push(error.message);
    }
    return lines.join("\n");
  }

  it("all say the same sentence, with its place", async () => {
    for (const command of [configCheck, simulate, runGateway])
      assert.ok((await saidBy(command)).includes(`${file}:24:31: ${SENTENCE}`), command.name);
  });
});
