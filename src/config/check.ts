import { portOf } from "./connection-port.ts";
import type { ConnectionConfig } from "./schema-connection.ts";
import { type ControlConfig, type DeviceConfig, type SiteConfig } from "./schema.ts";

export interface Finding {
  readonly at: string;
  readonly message: string;
}

/** What a schema cannot say: rules between fields. Returns all problems, not only the first. */
export function checkSite(site: SiteConfig): Finding[] {
  const devices: Devices = new Map(site.devices.map((device) => [device.id, device]));
  return [
    ...checkDevices(site),
    ...checkConnections(site),
    ...checkControl(site, devices),
    ...checkThermal(site, devices),
    ...checkMeters(site, devices),
    ...checkEnvelope(site, devices),
  ];
}

/** By id. */
type Devices = ReadonlyMap<string, DeviceConfig>;

function checkDevices(site: SiteConfig): Finding[] {
  const findings: Finding[] = [];
  const firstById = new Map<string, number>();
  const firstByPlace = new Map<string, DeviceConfig>();
  site.devices.forEach((device, index) => {
    const first = firstById.get(device.id);
    if (first !== undefined)
      findings.push({
        at: `/devices/${index}/id`,
        message: `"${device.id}" is already the name of device ${first + 1} of the list`,
      });
    firstById.set(device.id, first ?? index);
    if (site.connections[device.connection] === undefined)
      findings.push({
        at: `/devices/${index}/connection`,
        message: `there is no connection "${device.connection}" under connections`,
      });
    for (const [position, other] of (device.sameAs ?? []).entries())
      if (other === device.id || !site.devices.some(({ id }) => id === other))
        findings.push({
          at: `/devices/${index}/sameAs/${position}`,
          message: `there is no other device "${other}"`,
        });
    const wire = wireOf(site.connections[device.connection]) ?? device.connection;
    const place = `${wire} ${device.unit}`;
    const other = firstByPlace.get(place);
    if (other !== undefined)
      findings.push({ at: `/devices/${index}/unit`, message: sameUnit(device, other, wire) });
    firstByPlace.set(place, other ?? device);
  });
  return findings;
}

/** What two connections may share unawares: an address, or a serial line. */
function wireOf(connection: ConnectionConfig | undefined): string | undefined {
  if (connection === undefined) return undefined;
  if (connection.protocol === "modbus-rtu") return connection.path;
  return `${connection.host}:${portOf(connection)}`;
}

function sameUnit(device: DeviceConfig, other: DeviceConfig, wire: string): string {
  if (device.connection === other.connection)
    return `unit ${device.unit} of "${device.connection}" is already "${other.id}"`;
  return (
    `"${device.id}" and "${other.id}" are both unit ${device.unit} at ${wire}, ` +
    `under the connections "${device.connection}" and "${other.connection}"`
  );
}

/** A serial bus has one master, and a socket one owner: its devices live in one process. */
function checkConnections(site: SiteConfig): Finding[] {
  const process = new Map<string, DeviceConfig["process"]>();
  /** Place of the first device that runs elsewhere, by connection. */
  const strayed = new Map<string, number>();
  site.devices.forEach((device, index) => {
    const first = process.get(device.connection);
    if (first === undefined) process.set(device.connection, device.process);
    else if (first !== device.process && !strayed.has(device.connection))
      strayed.set(device.connection, index);
  });
  return Object.keys(site.connections).flatMap((name) => {
    if (!process.has(name))
      return [{ at: `/connections/${name}`, message: `no device uses the connection "${name}"` }];
    const stray = strayed.get(name);
    if (stray === undefined) return [];
    return [
      {
        at: `/devices/${stray}/process`,
        message: `all devices of connection "${name}" must run in one process`,
      },
    ];
  });
}

/** Each unit stands once, and what control drives needs the envelope of a control section. */
function checkThermal({ thermal, control }: SiteConfig, devices: Devices): Finding[] {
  if (thermal === undefined) return [];
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const list of ["zones", "deliveries"] as const)
    for (const [index, { device }] of thermal[list].entries()) {
      const at = `/thermal/${list}/${index}/device`;
      if (!devices.has(device)) findings.push({ at, message: `there is no device "${device}"` });
      else if (seen.has(device)) findings.push({ at, message: `"${device}" stands here twice` });
      seen.add(device);
    }
  const modes = [
    thermal.mode,
    ...[...thermal.zones, ...thermal.deliveries].map(({ mode }) => mode),
  ];
  if (control === undefined && modes.includes("control"))
    findings.push({ at: "/thermal/mode", message: "mode control needs the section `control`" });
  return findings;
}

function checkControl(site: SiteConfig, devices: Devices): Finding[] {
  const control = site.control;
  if (control === undefined) return [];
  const findings: Finding[] = [];
  const mustBeIn = (id: string, at: string, process: "control" | undefined): void => {
    const device = devices.get(id);
    if (device === undefined) findings.push({ at, message: `there is no device "${id}"` });
    else if (process !== undefined && device.process !== process)
      findings.push({ at, message: `"${id}" must have process: control, the loop depends on it` });
  };
  mustBeIn(control.grid.meter, "/control/grid/meter", "control");
  control.grid.feeders.forEach((feeder, index) => {
    mustBeIn(feeder.meter, `/control/grid/feeders/${index}/meter`, undefined);
  });
  if ((control.grid.peakCapKw ?? 0) > control.grid.importLimitKw)
    findings.push({
      at: "/control/grid/peakCapKw",
      message: `the peak cap must not be above importLimitKw, ${control.grid.importLimitKw} kW`,
    });
  if (control.grid.blindMs <= control.grid.maxAgeMs)
    findings.push({ at: "/control/grid/blindMs", message: "blindMs must be longer than maxAgeMs" });
  const owner = new Map<string, string>();
  control.batteries.forEach((battery, index) => {
    const at = `/control/batteries/${index}`;
    battery.units.forEach((unit, position) => {
      mustBeIn(unit, `${at}/units/${position}`, "control");
      const other = owner.get(unit);
      if (other !== undefined)
        findings.push({
          at: `${at}/units/${position}`,
          message: `"${unit}" already belongs to "${other}": an asset has one writer`,
        });
      owner.set(unit, battery.id);
    });
    if (battery.socMinPercent >= battery.socMaxPercent)
      findings.push({
        at: `${at}/socMinPercent`,
        message: "socMinPercent must be below the maximum",
      });
    if (battery.reversionMs <= 2 * control.periodMs)
      findings.push({ at: `${at}/reversionMs`, message: "reversionMs must exceed two cycles" });
  });
  findings.push(...checkSmoothing(control), ...checkFrequency(control), ...checkGoose(control));
  if (control.leaseDefaultMs > control.leaseMaximumMs)
    findings.push({ at: "/control/leaseDefaultMs", message: "must not exceed leaseMaximumMs" });
  return findings;
}

function checkSmoothing({ smoothing, batteries, periodMs }: ControlConfig): Finding[] {
  if (smoothing === undefined) return [];
  const at = "/control/smoothing";
  const findings: Finding[] = [];
  if (batteries.length === 0)
    findings.push({ at, message: "there is no battery under control/batteries to smooth with" });
  if (smoothing.loadMinKw >= smoothing.loadMaxKw)
    findings.push({ at: `${at}/loadMinKw`, message: "loadMinKw must be below loadMaxKw" });
  if ((smoothing.delayMs ?? 0) > smoothing.delayMaxMs)
    findings.push({ at: `${at}/delayMs`, message: "delayMs must not exceed delayMaxMs" });
  if (smoothing.delayMaxMs < periodMs)
    findings.push({ at: `${at}/delayMaxMs`, message: "delayMaxMs must be at least a cycle" });
  return findings;
}

function checkFrequency({ frequency, smoothing }: ControlConfig): Finding[] {
  if (frequency === undefined) return [];
  const at = "/control/frequency";
  const findings: Finding[] = [];
  if (smoothing === undefined)
    findings.push({ at, message: "a duty to the frequency needs control/smoothing" });
  if (frequency.nominalHz !== 50 && frequency.nominalHz !== 60)
    findings.push({ at: `${at}/nominalHz`, message: "a grid runs at 50 or at 60 Hz" });
  if (frequency.fullAtMhz <= frequency.deadBandMhz)
    findings.push({ at: `${at}/fullAtMhz`, message: "fullAtMhz must exceed deadBandMhz" });
  return findings;
}

function checkGoose({ goose, batteries }: ControlConfig): Finding[] {
  const assets = new Set(batteries.flatMap(({ id, units }) => [id, ...units]));
  const names = new Set<string>();
  return (goose?.subscriptions ?? []).flatMap(({ name, stops }, index) => {
    const at = `/control/goose/subscriptions/${index}`;
    const findings = stops.flatMap((asset, position) =>
      assets.has(asset)
        ? []
        : [{ at: `${at}/stops/${position}`, message: `there is no battery or unit "${asset}"` }],
    );
    if (names.has(name)) findings.push({ at: `${at}/name`, message: `"${name}" is named twice` });
    names.add(name);
    return findings;
  });
}

function checkMeters(site: SiteConfig, devices: Devices): Finding[] {
  const { compute = [], cooling = [], infrastructure = [] } = site.meters ?? {};
  const lists = { compute, cooling, infrastructure };
  return Object.entries(lists).flatMap(([list, names]) =>
    names.flatMap((name, index) =>
      devices.has(name)
        ? []
        : [{ at: `/meters/${list}/${index}`, message: `there is no device "${name}"` }],
    ),
  );
}

function checkEnvelope(site: SiteConfig, devices: Devices): Finding[] {
  const seen = new Set<string>();
  return site.envelope.flatMap((entry, index) => {
    const at = `/envelope/${index}`;
    const key = `${entry.device}/${entry.point}`;
    const findings: Finding[] = [];
    if (!devices.has(entry.device))
      findings.push({ at: `${at}/device`, message: `there is no device "${entry.device}"` });
    if (seen.has(key))
      findings.push({ at: `${at}/point`, message: `${key} has an envelope already` });
    if (entry.minimum > entry.maximum)
      findings.push({ at: `${at}/minimum`, message: "minimum is above maximum" });
    seen.add(key);
    return findings;
  });
}
