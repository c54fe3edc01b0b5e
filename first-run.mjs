/**
 * What `./dcpi-gateway`, `npm run demo` and `npm test` do on a fresh clone: install what is missing,
 * build when the sources are newer than the build, then run. Plain Node: it runs before anything is
 * installed.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";

const root = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const [word, ...rest] = process.argv.slice(2);

const MOCHA = path.join("node_modules", "mocha", "bin", "mocha.js");
const CLI = path.join("dist", "src", "app", "cli.js");

/** The modules run as modules, as the product's do: see .mocharc.json. */
const MOCHA_LONG = [
  "--no-config",
  ...["--node-option", "import=tsx", "--node-option", "no-experimental-require-module"],
  ...["--timeout", "900000"],
];

/** Tests that only compute, in virtual time: no sockets, no processes. The long ones first. */
const COMPUTING = [
  ...["simulation", "control", "simulator/physics", "config", "profiles", "wire", "dcpi"],
  ...["access", "domain", "points", "scl", "support"],
].map((folder) => `test/${folder}/**/*.test.ts`);

/** Nothing in them waits: how long they take says what else the machine does. */
const COMPUTES_AT_LEISURE = ["--timeout", "300000"];

/**
 * All tests: the files that only compute beside one another, as many as there are processors; then
 * the others one after the other, because they meet the time of the machine.
 */
const ALL_TESTS = [
  [
    ...[MOCHA, "--parallel", "--jobs", String(availableParallelism())],
    ...COMPUTES_AT_LEISURE,
    ...COMPUTING,
  ],
  [MOCHA, ...COMPUTING.flatMap((files) => ["--ignore", files]), "test/**/*.test.ts"],
];

/** What each word runs, one after the other. */
const RUNS = {
  build: [],
  demo: [[CLI, "demo"]],
  test: rest.length > 0 ? [[MOCHA]] : ALL_TESTS,
  bench: [["--import", "tsx", path.join("test", "bench", "main.ts")]],
  interop: [[MOCHA, ...MOCHA_LONG, "test/interop/**/*.test.ts"]],
  faults: [[MOCHA, ...MOCHA_LONG, "test/faults/**/*.test.ts"]],
};

/** `from "./x.ts"`, `import("./x.ts")`: what the compiler's option for relative imports rewrites. */
const RELATIVE_IMPORT = /((?:from|import)\s*\(?\s*["']\.{1,2}\/[^"']+)\.ts(["'])/g;

const runs = RUNS[word];
if (runs === undefined) {
  process.stderr.write(`usage: node first-run.mjs ${Object.keys(RUNS).join("|")} [arguments]\n`);
  process.exit(2);
}
installMissing();
await build();
const statuses = [];
for (const run of runs) statuses.push(await runInFront([...run, ...rest]));
if (statuses.slice(0, -1).some((status) => status !== 0)) {
  process.stderr.write("something failed in the first part of this output: see there\n");
}
process.exitCode = Math.max(0, ...statuses);

/** Installs exactly what the lock file says, once; a changed lock file installs again. */
function installMissing() {
  const lock = readFileSync(path.join(root, "package-lock.json"), "utf8");
  const mark = path.join(root, "node_modules", ".installed-lock");
  if (existsSync(mark) && readFileSync(mark, "utf8") === lock) return;
  process.stderr.write(
    "installing packages (better-sqlite3 may compile for about 3 minutes) ...\n",
  );
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const done = spawnSync(npm, ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (done.status !== 0) {
    process.stderr.write("the packages could not be installed: npm ci says why above\n");
    process.exit(3);
  }
  writeFileSync(mark, lock);
}

/**
 * Compiles when a source is newer than the build: types are stripped, nothing is checked, which
 * takes a second. `npm run check` checks the types, `npm run build` makes the same with tsc.
 */
async function build() {
  const stamp = path.join(root, "dist", ".built");
  const built = existsSync(stamp) ? statSync(stamp).mtimeMs : 0;
  if (newest(path.join(root, "src")) < built && newest(path.join(root, "native")) < built) return;
  const { transform } = await import("esbuild");
  const files = ["src", "native"].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true }).map((file) =>
      path.join(folder, file),
    ),
  );
  try {
    await Promise.all(files.map((file) => buildFile(file, transform)));
  } catch (error) {
    process.stderr.write(`the sources could not be compiled: ${error.message}\n`);
    process.exit(1);
  }
  // npm links it under its name, and a link has the rights of its file.
  chmodSync(path.join(root, CLI), 0o755);
  writeFileSync(stamp, "");
}

async function buildFile(file, transform) {
  const from = path.join(root, file);
  const to = path.join(root, "dist", file.replace(/\.ts$/, ".js"));
  if (!/\.(ts|json)$/.test(file)) return;
  mkdirSync(path.dirname(to), { recursive: true });
  const text = readFileSync(from, "utf8");
  if (file.endsWith(".json")) {
    writeFileSync(to, text);
    return;
  }
  const options = {
    loader: "ts",
    format: "esm",
    target: "node20.10",
    sourcefile: from,
    sourcemap: "inline",
  };
  const { code } = await transform(text, options);
  writeFileSync(to, code.replaceAll(RELATIVE_IMPORT, "$1.js$2"));
}

function newest(folder) {
  if (!existsSync(folder)) return 0;
  let latest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const file = path.join(folder, entry.name);
    latest = Math.max(latest, entry.isDirectory() ? newest(file) : statSync(file).mtimeMs);
  }
  return latest;
}

/** Runs it in place of this process: same terminal, same signals, same exit status. */
async function runInFront(args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: "inherit" });
  let isStopped = false;
  const pass = (signal) => {
    isStopped = true;
    child.kill(signal);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, pass);
  const [code, signal] = await once(child, "exit");
  for (const each of signals) process.off(each, pass);
  const status = signal === null ? (code ?? 1) : 1;
  if (isStopped) process.exit(status);
  return status;
}
