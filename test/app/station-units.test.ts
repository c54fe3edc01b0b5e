import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { controlPlan } from "../../src/app/control-settings.ts";
import { contextOf, type SiteContext } from "../../src/app/site-context.ts";
import { parseSite } from "../../src/config/load.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import type { Profile } from "../../src/profiles/schema.ts";

const STATION = new URL("../../device-profiles/iec61850/bess-station.json", import.meta.url);

/** The sample site with a station of IEC 61850 for its battery, commanded by this model. */
function contextWith(folder: string, control: "direct-enhanced" | "sbo-enhanced"): SiteContext {
  const profile = JSON.parse(readFileSync(STATION, "utf8")) as Profile;
  const points = profile.points.map((line) =>
    line.point === "active-power-setpoint" && line.write !== undefined
      ? { ...line, write: { ...line.write, control } }
      : line,
  );
  mkdirSync(path.join(folder, "own/iec61850"), { recursive: true });
  writeFileSync(
    path.join(folder, "own/iec61850/bess-station.json"),
    JSON.stringify({ ...profile, points }),
  );
  const text = SAMPLE_SITE.replace("site: my-site", "site: my-site\nprofileDirectory: own")
    .replace("bess-1: { protocol: modbus-tcp, host: 192.0.2.11, port: 502 }", CONNECTION)
    .replace("sunspec/der-storage", "iec61850/bess-station")
    .replace(/^ {2}- \{ device: bess-1, point: alarm-reset.*$/m, "");
  const parsed = parseSite(text);
  assert.ok("site" in parsed, JSON.stringify(parsed));
  return contextOf(parsed.site, path.join(folder, "site.yaml"));
}

const CONNECTION = "bess-1: { protocol: iec61850, host: 192.0.2.11 }";

describe("a station of IEC 61850 as a unit of a battery", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "dcpi-units-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is driven by the loop where it is commanded directly", () => {
    const plan = controlPlan(contextWith(folder, "direct-enhanced"));
    const [unit] = plan?.units ?? [];
    assert.equal(unit?.asset, "bess-1");
    assert.equal(unit.readBack.withinMs, 1_000);
  });

  it("is refused with the reason where it is selected first", () => {
    const context = contextWith(folder, "sbo-enhanced");
    assert.throws(() => controlPlan(context), /slow setpoints only/);
  });
});
