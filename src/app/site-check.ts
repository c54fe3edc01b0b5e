import { readSite } from "../config/load.ts";
import { type Problem, problemLine } from "../config/problem.ts";
import type { DeviceConfig, SiteConfig } from "../config/schema.ts";
import type { ConnectionConfig } from "../config/schema-connection.ts";
import { GatewayError } from "../domain/errors.ts";
import { sensorFindings } from "./coolant-sensor-check.ts";
import type { CompiledProfile } from "../profiles/binding.ts";
import { effectiveEnvelope } from "./drive.ts";
import { nearestName } from "./nearest-name.ts";
import { ProfileFiles } from "./profile-files.ts";
import { profileRoots } from "./profile-roots.ts";

export interface SiteFindings {
  readonly problems: readonly Problem[];
  /** What may be right and mostly is not. */
  readonly warnings: readonly Problem[];
  /** Undefined where there are problems. */
  readonly site: SiteConfig | undefined;
}

interface Finding {
  readonly at: string;
  readonly message: string;
}

/** Everything wrong with a site file and with the profiles that its devices name. */
export function inspectSite(text: string, file: string): SiteFindings {
  const { problems, site, place } = readSite(text);
  if (site === undefined) return { problems, warnings: [], site };
  const files = new ProfileFiles(profileRoots(site, file));
  const isSound = problems.length === 0;
  const placed = (findings: readonly Finding[]): Problem[] =>
    findings.map(({ at, message }) => place(at, message));
  const told = new Set(problems.map(({ at }) => at));
  const findings = profileFindings(site, files, isSound).filter(({ at }) => !told.has(at));
  const driven =
    isSound && findings.length === 0
      ? [
          ...driveFindings(site, files),
          ...coolantFindings(site),
          ...sensorFindings(site, profilesOf(site, files)),
        ]
      : [];
  const all = [...problems, ...placed([...findings, ...driven])];
  const warnings = placed(protocolFindings(site, files));
  return { problems: all, warnings, site: all.length === 0 ? site : undefined };
}

/**
 * The error of a site whose profiles cannot be had, with the sentence that `config check` says.
 * @param error what came of the attempt
 */
export function explained(error: GatewayError, text: string, file: string): GatewayError {
  const { problems } = inspectSite(text, file);
  const [first] = problems;
  if (first === undefined) return error;
  const context = { problems: problems.length, first: problemLine(file, first) };
  return new GatewayError(error.code, context, { cause: error });
}

/**
 * @param isSound false: devices may be stand-ins, whose parameters are missing, so that only the
 *   name of a profile can be judged
 */
function profileFindings(site: SiteConfig, files: ProfileFiles, isSound: boolean): Finding[] {
  return site.devices.flatMap((device, index): Finding[] => {
    if (device.profile === "") return [];
    const at = `/devices/${index}/profile`;
    try {
      if (isSound) files.compile(device.profile, device.parameters);
      else files.libraryOf(device.profile);
      return [];
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (error.code !== "PROFILE_MISSING")
        return [{ at, message: `"${device.id}": ${error.message}` }];
      return [{ at, message: noProfile(device, files.names()) }];
    }
  });
}

/** Compiled profile by device. */
function profilesOf(
  site: SiteConfig,
  files: ProfileFiles,
): (id: string) => CompiledProfile | undefined {
  const byId = new Map(site.devices.map((device) => [device.id, device]));
  return (id) => {
    const device = byId.get(id);
    return device === undefined ? undefined : files.compile(device.profile, device.parameters);
  };
}

/** An envelope that is never used is a mistake of whoever wrote it. */
function driveFindings(site: SiteConfig, files: ProfileFiles): Finding[] {
  const classOf = ({ profile, parameters }: DeviceConfig): string =>
    files.compile(profile, parameters).deviceClass;
  const used = new Set(effectiveEnvelope(site, classOf));
  return site.envelope.flatMap((entry, index): Finding[] => {
    if (used.has(entry) || !site.devices.some(({ id }) => id === entry.device)) return [];
    const message =
      `"${entry.device}" is only observed, so nothing is ever written to it: ` +
      "give it `drive: request`, or take this line out";
    return [{ at: `/envelope/${index}`, message }];
  });
}

/** Who says that a unit is driven, and says at the unit that it is not, has to take one back. */
function coolantFindings({ thermal, devices }: SiteConfig): Finding[] {
  if (thermal === undefined) return [];
  const { zones, deliveries } = thermal;
  return Object.entries({ zones, deliveries }).flatMap(([list, entries]) =>
    entries.flatMap(({ device, mode }, index): Finding[] => {
      const drive = devices.find(({ id }) => id === device)?.drive;
      if (mode !== "control" || drive === undefined || drive === "control") return [];
      const message =
        `"${device}" is to be driven, and its \`drive\` says ${drive}: ` +
        "give the device `drive: control`, or this a weaker mode";
      return [{ at: `/thermal/${list}/${index}/mode`, message }];
    }),
  );
}

function noProfile({ id, profile }: DeviceConfig, known: readonly string[]): string {
  const meant = nearestName(profile, known);
  const hint = meant === undefined ? "`profile list` shows them" : `did you mean ${meant}?`;
  return `"${id}": there is no profile "${profile}"; ${hint}`;
}

/** What the profile calls the protocol of a connection. */
const SPOKEN: Readonly<Record<ConnectionConfig["protocol"], string>> = {
  "modbus-tcp": "modbus-tcp",
  "modbus-rtu": "modbus-rtu",
  "modbus-rtu-over-tcp": "modbus-rtu",
  iec61850: "iec61850",
};

function protocolFindings(site: SiteConfig, files: ProfileFiles): Finding[] {
  return site.devices.flatMap(({ id, profile, connection }, index): Finding[] => {
    const protocol = site.connections[connection]?.protocol;
    const spoken = files.protocols(profile);
    if (protocol === undefined || spoken === undefined) return [];
    if (spoken.includes(SPOKEN[protocol])) return [];
    const message =
      `"${id}": ${profile} speaks ${spoken.join(", ")} and "${connection}" is ${protocol}, ` +
      "which is right only behind a converter that translates";
    return [{ at: `/devices/${index}/connection`, message }];
  });
}
