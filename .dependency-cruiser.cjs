/**
 * Who may import whom. This table is the architecture; everything below it is plumbing.
 * A folder may import itself and the folders in its row, nothing else.
 */
const ALLOWED = {
  domain: [],
  points: ["domain"],
  alarms: ["domain"],
  control: ["domain", "points"],
  recorder: ["domain", "points", "control"],
  wire: ["domain"],
  profiles: ["domain", "wire"],
  scl: ["domain", "wire"],
  dcpi: ["domain", "wire"],
  access: ["domain", "dcpi"],
  store: ["domain", "platform"],
  link: ["domain"],
  config: ["domain", "profiles"],
  platform: ["domain"],
  drivers: ["domain", "profiles", "wire"],
  simulator: ["domain", "profiles", "scl", "wire"],
  northbound: ["domain"],
  app: [
    "domain",
    "points",
    "alarms",
    "control",
    "recorder",
    "wire",
    "profiles",
    "scl",
    "dcpi",
    "access",
    "store",
    "link",
    "config",
    "platform",
    "drivers",
    "simulator",
    "northbound",
  ],
};

/** Who may call the machine through native/, besides native/ itself. */
const NATIVE = "^src/(platform|drivers/iec61850)/";

/** Each third-party package has declared homes, so that it can be replaced in one place. */
const HOMES = {
  "modbus-serial": "^src/(drivers/modbus/|simulator/)",
  koffi: "^native/",
  mqtt: "^src/(northbound/mqtt/client|app/commands/store-audit)[.]ts$",
  aedes: "^src/app/demo-broker[.]ts$",
  "better-sqlite3": "^src/store/",
  pino: "^src/platform/log[.]ts$",
  saxes: "^src/scl/xml-reader[.]ts$",
  ajv: "^src/(config|profiles|dcpi)/",
  "@sinclair/typebox": "^src/(config|profiles|dcpi)/",
  yaml: "^src/config/",
};

const layers = Object.entries(ALLOWED).map(([folder, allowed]) => ({
  name: `${folder}-imports`,
  comment: `src/${folder} may import only: ${["itself", ...allowed].join(", ")}. See ARCHITECTURE.md.`,
  severity: "error",
  from: { path: `^src/${folder}/` },
  to: { path: "^src/", pathNot: `^src/(${[folder, ...allowed].join("|")})/` },
}));

const homes = Object.entries(HOMES).map(([name, home]) => ({
  name: `${name.replaceAll("/", "-")}-has-one-home`,
  comment: `Only ${home} may import ${name}; everyone else uses the interface that home offers.`,
  severity: "error",
  from: { path: "^(src|native)/", pathNot: home },
  to: { path: `(^|/)node_modules/${name}(/|$)` },
}));

module.exports = {
  forbidden: [
    ...layers,
    ...homes,
    {
      name: "native-by-platform",
      severity: "error",
      from: { path: "^src/", pathNot: NATIVE },
      to: { path: "^native/" },
    },
    {
      name: "native-knows-domain",
      severity: "error",
      from: { path: "^native/" },
      to: { path: "^src/", pathNot: "^src/domain/" },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "protocols-are-strangers",
      severity: "error",
      from: { path: "^src/(drivers|northbound)/([^/]+)/" },
      to: { path: "^src/$1/[^/]+/", pathNot: "^src/$1/$2/" },
    },
    {
      name: "core-has-no-io",
      severity: "error",
      from: {
        path: "^src/(domain|points|alarms|control|recorder|wire|simulator/physics)/|/codec[.]ts$",
      },
      to: { dependencyTypes: ["core", "npm"] },
    },
    {
      name: "dcpi-and-scl-have-no-io",
      severity: "error",
      from: { path: "^src/(dcpi|scl)/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "src-knows-no-tests",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^test/" },
    },
    {
      name: "control-process-stays-small",
      comment:
        "The control process must not even load what it does not need to control: no broker, no database, no web server.",
      severity: "error",
      from: { path: "^src/app/control-process[.]ts$" },
      to: {
        path: "^src/(northbound|store|access)/|node_modules/(mqtt|aedes|better-sqlite3|node-opcua)/",
        reachable: true,
      },
    },
    {
      name: "no-orphans",
      severity: "error",
      from: { orphan: true, pathNot: "[.]test[.]ts$" },
      to: {},
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
  },
};
