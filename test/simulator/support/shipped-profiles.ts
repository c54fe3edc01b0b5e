import { readFileSync } from "node:fs";
import type { CompiledProfile } from "../../../src/profiles/binding.ts";
import { compileProfile } from "../../../src/profiles/compile.ts";
import { parseProfile } from "../../../src/profiles/parse.ts";
import type { Profile } from "../../../src/profiles/schema.ts";
import type { RegisterWords } from "../../../src/simulator/initial-image.ts";
import { nominalRegisters } from "../../../src/simulator/nominal.ts";
import type { SimulationDevice } from "../../../src/simulator/simulation.ts";

export interface ShippedProfile {
  readonly document: Profile;
  readonly profile: CompiledProfile;
  readonly nominal: readonly RegisterWords[];
}

/** Names of the profiles of the demo site. */
export const SHIPPED = [
  "janitza/umg604",
  "schneider/iem3000",
  "sunspec/der-storage",
  "huawei/ups2000",
  "vertiv/liebert-hpc",
  "deepgadget/l2a-cdu",
  "onicon/system-10",
  "wirenboard/wb-ms-thls-v2",
] as const;

const loaded = new Map<string, ShippedProfile>();

export function shippedProfile(name: string): ShippedProfile {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const path = new URL(`../../../device-profiles/${name}.json`, import.meta.url);
  const parsed = parseProfile(readFileSync(path, "utf8"));
  if ("problems" in parsed) throw new Error(`${name}: ${parsed.problems[0]?.message ?? ""}`);
  const compiled = compileProfile(parsed.profile, { name });
  if ("problems" in compiled) throw new Error(`${name}: ${compiled.problems[0]?.message ?? ""}`);
  const made = {
    document: parsed.profile,
    profile: compiled.profile,
    nominal: nominalRegisters(parsed.profile, { compiled: compiled.profile, parameters: {} }),
  };
  loaded.set(name, made);
  return made;
}

/** The 28 devices of the demo site, behind free ports. */
export function demoSite(): SimulationDevice[] {
  const tcp = { protocol: "modbus-tcp", host: "127.0.0.1", port: 0 } as const;
  const line = (name: string) => ({ ...tcp, protocol: "modbus-rtu-over-tcp", name }) as const;
  const device = (
    id: string,
    profile: string,
    endpoint: SimulationDevice["endpoint"] = tcp,
    unitId = 1,
  ): SimulationDevice => {
    const { profile: compiled, nominal } = shippedProfile(profile);
    return { id, profile: compiled, nominal, endpoint, unitId };
  };
  const numbered = (count: number, make: (number: number) => SimulationDevice) =>
    Array.from({ length: count }, (_, index) => make(index + 1));
  return [
    device("pcc-meter", "janitza/umg604"),
    device("m-train", "schneider/iem3000"),
    device("m-ups", "schneider/iem3000", { ...tcp, name: "feeders" }, 2),
    device("m-mech", "schneider/iem3000", { ...tcp, name: "feeders" }, 3),
    ...numbered(2, (n) => device(`bess-${n}`, "sunspec/der-storage")),
    ...numbered(3, (n) => device(`ups-${n}`, "huawei/ups2000")),
    ...numbered(4, (n) => device(`chiller-${n}`, "vertiv/liebert-hpc")),
    ...numbered(8, (n) =>
      device(`cdu-${n}`, "deepgadget/l2a-cdu", line(n <= 4 ? "cdu-line-a" : "cdu-line-b"), n),
    ),
    device("heat-meter-1", "onicon/system-10"),
    ...numbered(6, (n) => device(`env-${n}`, "wirenboard/wb-ms-thls-v2", line("env-line"), n)),
  ];
}
