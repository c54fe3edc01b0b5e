import { strict as assert } from "node:assert";
import { coolantMode } from "../../src/app/coolant-modes.ts";
import { type Drive, driveOf, effectiveEnvelope } from "../../src/app/drive.ts";
import { readSite } from "../../src/config/load.ts";
import { demoSiteText } from "../../src/app/demo/site.ts";
import type { DeviceConfig, SiteConfig } from "../../src/config/schema.ts";
import type { ThermalMode } from "../../src/control/thermal/thermal-mode.ts";

const OPTIONS = { basePort: 1, mqttPort: 2, directory: "data", runtimeDirectory: "run" } as const;

function withoutWord(device: DeviceConfig): DeviceConfig {
  const plain = { ...device };
  delete plain.drive;
  return plain;
}

function demoSite(): SiteConfig {
  const { site } = readSite(demoSiteText(OPTIONS));
  assert.ok(site !== undefined);
  return site;
}

describe("who may drive a device", () => {
  it("is what the site says, else what is usual for the equipment", () => {
    const site = demoSite();
    const [first] = site.devices;
    assert.ok(first !== undefined);
    const plain = withoutWord({ ...first, id: "x" });
    const battery = { ...plain, id: "bess-1" };
    assert.deepEqual(
      [
        driveOf(site, plain, "chiller"),
        driveOf(site, plain, "cdu"),
        driveOf(site, plain, "ups"),
        driveOf(site, battery, "bess"),
        driveOf(site, { ...plain, drive: "request" }, "chiller"),
        driveOf(site, { ...battery, drive: "observe" }, "bess"),
      ],
      ["observe", "observe", "request", "control", "request", "observe"],
    );
  });

  it("keeps a thermal controller from writing, and not from asking for load to go", () => {
    const modeOf = (asked: ThermalMode, drive: Drive, isLeftAlone = false): ThermalMode =>
      coolantMode(asked, { drive, isLeftAlone });
    assert.deepEqual(
      [
        modeOf("control", "control"),
        modeOf("control", "control", true),
        modeOf("control", "request"),
        modeOf("control", "observe"),
        modeOf("request", "observe"),
        modeOf("request", "control", true),
        modeOf("observe", "control"),
      ],
      ["control", "request", "request", "request", "request", "request", "observe"],
    );
  });

  it("leaves no line of the envelope of a device that is only observed", () => {
    const site = demoSite();
    const chillers = site.devices.filter(({ id }) => id.startsWith("chiller-"));
    const observed = site.devices.map((device) =>
      chillers.includes(device) ? withoutWord(device) : device,
    );
    const classOf = ({ id }: { readonly id: string }): string =>
      id.startsWith("chiller-") ? "chiller" : "other";
    const left = effectiveEnvelope({ ...site, devices: observed }, classOf);
    assert.equal(site.envelope.length - left.length, chillers.length);
    assert.ok(left.every(({ device }) => !device.startsWith("chiller-")));
  });
});
