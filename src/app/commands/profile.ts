import { existsSync } from "node:fs";
import path from "node:path";
import { GatewayError } from "../../domain/errors.ts";
import type { BoundPoint, CompiledProfile } from "../../profiles/binding.ts";
import { ProfileLibrary } from "../../profiles/library.ts";
import { lintProfile, type LintSubject } from "../../profiles/lint.ts";
import type { ProfileProblem } from "../../profiles/parse.ts";
import { runVectors } from "../../profiles/vectors.ts";
import { formatReference } from "../../wire/mms/names.ts";
import { ProfileFiles } from "../profile-files.ts";
import { type CommandCall, type ExitStatus, hasFlag } from "../terminal.ts";

type Verb = "list" | "show" | "check" | "test";

/** `profile list|show|check|test`: by the name of a shipped profile, or by file. */
export async function profileCommand(verb: Verb, call: CommandCall): Promise<ExitStatus> {
  if (verb === "list") return Promise.resolve(list(call));
  if (call.positionals.length === 0) {
    call.terminal.err(`profile ${verb} needs the name of a profile, or a file`);
    return Promise.resolve(2);
  }
  let worst: ExitStatus = 0;
  for (const given of call.positionals) {
    const status = { show, check, test }[verb](call, place(given));
    if (status > worst) worst = status;
  }
  return Promise.resolve(worst);
}

interface Place {
  readonly name: string;
  readonly library: ProfileLibrary;
}

/** A file lies in `<manufacturer>/<model>.json`, wherever that is. */
function place(given: string): Place {
  if (!given.endsWith(".json"))
    return { name: given, library: new ProfileFiles().libraryOf(given) };
  const file = path.resolve(given);
  if (!existsSync(file)) throw new GatewayError("FILE_UNREADABLE", { file });
  const folder = path.dirname(file);
  const name = `${path.basename(folder)}/${path.basename(file, ".json")}`;
  return { name, library: new ProfileLibrary(path.dirname(folder)) };
}

function list(call: CommandCall): ExitStatus {
  const files = new ProfileFiles();
  for (const name of files.names()) {
    const profile = files.libraryOf(name).profile(name);
    if (profile === undefined) continue;
    const { identity, status, version } = profile;
    const row = {
      name,
      class: identity.class,
      device: `${identity.manufacturer} ${identity.model}`,
      version,
      status,
      protocols: identity.protocols,
    };
    if (hasFlag(call, "json")) call.terminal.out(JSON.stringify(row));
    else
      call.terminal.out(
        [
          name.padEnd(30),
          row.class.padEnd(20),
          status.padEnd(8),
          version,
          row.protocols.join(",").padEnd(21),
          row.device,
        ].join(" "),
      );
  }
  return 0;
}

function show(call: CommandCall, { name, library }: Place): ExitStatus {
  const compiled = library.compile(name);
  const { terminal } = call;
  if (hasFlag(call, "json")) {
    terminal.out(JSON.stringify(compiled, jsonMember));
    return 0;
  }
  const { note } = library.profile(name) ?? {};
  terminal.out(
    `${compiled.name} ${compiled.version} (${compiled.status}), class ${compiled.deviceClass}`,
  );
  if (note !== undefined) terminal.out(note);
  for (const point of compiled.points) {
    const { id, unit, type } = point;
    const access = { r: "r ", w: " w", rw: "rw" }[point.access];
    const at = placeText(point, compiled);
    terminal.out(`  ${id.padEnd(42)} ${access} ${at.padEnd(16)} ${(unit ?? "").padEnd(6)} ${type}`);
  }
  for (const { quirk, why } of compiled.quirks) terminal.out(`  quirk ${quirk}: ${why}`);
  for (const [point, why] of compiled.missing) terminal.out(`  missing ${point}: ${why}`);
  return 0;
}

/** Register or node; empty for what is derived or only written. */
function placeText({ read, ordinal }: BoundPoint, { iec61850 }: CompiledProfile): string {
  if (read !== undefined) return `${read.table} ${read.address}`;
  const place = iec61850?.reads.get(ordinal)?.place;
  return place === undefined ? "" : formatReference(place);
}

/** Maps and sets have no form of their own in JSON. */
function jsonMember(_name: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value as Map<string, unknown>);
  return value instanceof Set ? [...(value as Set<unknown>)] : value;
}

function check(call: CommandCall, { name, library }: Place): ExitStatus {
  const entry = library.entry(name);
  const problems: readonly ProfileProblem[] =
    "problems" in entry ? entry.problems : lintProfile({ name, ...entry }, subjectsOf(library));
  return tell(
    call,
    name,
    problems.map(({ line, column, message }) => `${line}:${column}: ${message}`),
  );
}

function subjectsOf(library: ProfileLibrary): LintSubject[] {
  return library.names().flatMap((name) => {
    const entry = library.entry(name);
    return "problems" in entry ? [] : [{ name, ...entry }];
  });
}

function test(call: CommandCall, { name, library }: Place): ExitStatus {
  library.compile(name);
  const profile = library.profile(name);
  if (profile === undefined) throw new GatewayError("PROFILE_MISSING", { profile: name });
  const failures = runVectors(profile, { name, library: (base) => library.profile(base) });
  const count = profile.vectors?.length ?? 0;
  const status = tell(
    call,
    name,
    failures.map(({ vector, message }) => `${vector}: ${message}`),
  );
  if (status === 0 && !hasFlag(call, "json")) call.terminal.out(`${name}: ${count} vectors pass`);
  return status;
}

function tell(call: CommandCall, name: string, problems: readonly string[]): ExitStatus {
  if (hasFlag(call, "json"))
    call.terminal.out(JSON.stringify({ profile: name, ok: problems.length === 0, problems }));
  else for (const problem of problems) call.terminal.err(`${name}:${problem}`);
  return problems.length === 0 ? 0 : 1;
}
