/**
 * What data objects of the standard's logical nodes are in the plant vocabulary. A row is a guess
 * that a person confirms: sign, direction and vendor habits are not in any file.
 *
 * @see IEC 61850-7-4, section 5 (logical node classes); IEC 61850-7-420 (nodes of distributed
 *   energy resources, both editions: Z and D names)
 */
export interface PointRow {
  /** Logical node classes that have it. */
  readonly classes: readonly string[];
  /** Data object and its parts: `PhV.phsA`. */
  readonly object: string;
  /** Canonical point; of several the first whose class of equipment allows it. */
  readonly point: string;
  /** Only for these classes of equipment; undefined: for all that have the point. */
  readonly equipment?: readonly string[];
  /** States by number, for points that are states. */
  readonly values?: Readonly<Record<string, string>>;
  /** What a person has to look at, besides. */
  readonly verify?: string;
}

const SIGN = "sign: positive in the reference direction of the class is assumed";
const DC_SIGN = "sign: positive when discharging is assumed";
const SWITCH = { 0: "intermediate", 1: "open", 2: "closed", 3: "bad-state" };
const HEALTH = { 1: "ok", 2: "warning", 3: "critical" };
const LOCATION = { 0: "remote", 1: "local" };
const BATTERY = ["ZBAT", "DBAT", "DSTO", "SBAT"];
const SWITCHES = ["XCBR", "XSWI"];
const GENERATING = ["bess", "pcs", "genset"];

const three = (object: string, point: string, verify?: string): readonly PointRow[] =>
  ["A", "B", "C"].map((phase, at) => ({
    classes: ["MMXU"],
    object: `${object}.phs${phase}`,
    point: `${point}.l${at + 1}`,
    ...(verify === undefined ? {} : { verify }),
  }));

const MEASUREMENTS: readonly PointRow[] = [
  { classes: ["MMXU"], object: "TotW", point: "active-power", verify: SIGN },
  { classes: ["MMXU"], object: "TotVAr", point: "reactive-power", verify: SIGN },
  { classes: ["MMXU"], object: "TotVA", point: "apparent-power" },
  { classes: ["MMXU"], object: "TotPF", point: "power-factor", verify: "sign, see PFSign" },
  { classes: ["MMXU"], object: "Hz", point: "frequency" },
  ...three("PhV", "voltage"),
  { classes: ["MMXU"], object: "PPV.phsAB", point: "voltage.l1-l2" },
  { classes: ["MMXU"], object: "PPV.phsBC", point: "voltage.l2-l3" },
  { classes: ["MMXU"], object: "PPV.phsCA", point: "voltage.l3-l1" },
  ...three("A", "current"),
  { classes: ["MMXU"], object: "A.neut", point: "current.n" },
  ...three("W", "active-power", SIGN),
  { classes: ["MMDC"], object: "Watt", point: "dc.power", verify: DC_SIGN },
  { classes: ["MMDC"], object: "Vol", point: "dc.voltage" },
  { classes: ["MMDC"], object: "Amp", point: "dc.current", verify: DC_SIGN },
];

const COUNTED = "direction: which counter is which, and the weight of a pulse (pulsQty)";

/** Supplied by the equipment, demanded from the grid. */
const ENERGY: readonly PointRow[] = [
  ...["SupWh", "DmdWh"].flatMap((object, at): PointRow[] => [
    {
      classes: ["MMTR"],
      object,
      point: at === 0 ? "energy.forward" : "energy.reverse",
      equipment: GENERATING,
      verify: COUNTED,
    },
    {
      classes: ["MMTR"],
      object,
      point: at === 0 ? "energy.reverse" : "energy.forward",
      equipment: ["meter", "grid-connection"],
      verify: COUNTED,
    },
  ]),
  { classes: ["DGEN"], object: "TotWh", point: "energy.forward", verify: COUNTED },
];

const STORAGE: readonly PointRow[] = [
  ...["SocEffAhrPct", "SocEffWhPct", "SoC", "SOC", "BatSoC", "StaOfCha", "Soc"].map(
    (object): PointRow => ({
      classes: BATTERY,
      object,
      point: "state-of-charge",
      verify: "some devices send 0 to 1 instead of percent",
    }),
  ),
  ...["SoH", "SOH", "BatSoH", "Soh"].map((object): PointRow => ({
    classes: BATTERY,
    object,
    point: "state-of-health",
  })),
  { classes: BATTERY, object: "WhRtg", point: "energy-capacity" },
  { classes: BATTERY, object: "Vol", point: "dc.voltage" },
  { classes: BATTERY, object: "Amp", point: "dc.current", verify: DC_SIGN },
  { classes: BATTERY, object: "InBatTmp", point: "battery-temperature" },
  { classes: ["ZINV", "DINV"], object: "HeatSinkTmp", point: "heatsink-temperature" },
  { classes: ["ZINV", "DINV", "DRCT"], object: "WRtg", point: "discharge-power-rating" },
  { classes: ["DRCT"], object: "MaxWLim", point: "active-power-limit" },
  { classes: ["DRCC"], object: "OutWSet", point: "active-power-setpoint", verify: SIGN },
  { classes: ["DRCC"], object: "OutVarSet", point: "reactive-power-setpoint", verify: SIGN },
  { classes: ["DWGC"], object: "WSpt", point: "active-power-setpoint", verify: SIGN },
  { classes: ["DGEN"], object: "OpTmsRs", point: "operating-time", verify: "unit" },
];

const STATES: readonly PointRow[] = [
  { classes: SWITCHES, object: "Pos", point: "position", values: SWITCH },
  { classes: SWITCHES, object: "BlkOpn", point: "open-blocked" },
  { classes: SWITCHES, object: "BlkCls", point: "close-blocked" },
  { classes: SWITCHES, object: "OpCnt", point: "operation-count" },
  ...["LLN0", "DRCC", "DRCS", "CSWI", "XCBR"].flatMap((name): PointRow[] =>
    ["Loc", "LocSta"].map((object) => ({
      classes: [name],
      object,
      point: "control-location",
      values: LOCATION,
    })),
  ),
  { classes: ["LPHD"], object: "PhyHealth", point: "health", values: HEALTH },
  { classes: ["LLN0"], object: "Health", point: "health", values: HEALTH },
];

/** In the order in which they claim a canonical point. */
export const POINT_ROWS: readonly PointRow[] = [...MEASUREMENTS, ...ENERGY, ...STORAGE, ...STATES];

/** Classes of equipment by what logical nodes are there; the first that fits. */
export const EQUIPMENT_SIGNS: readonly (readonly [string, readonly string[]])[] = [
  ["bess", ["ZBAT", "DBAT", "DSTO", "SBAT"]],
  ["pcs", ["ZINV", "DINV"]],
  ["genset", ["DGEN", "DCIP"]],
  ["breaker", ["XCBR"]],
  ["meter", ["MMXU", "MMTR", "MMXN"]],
];
