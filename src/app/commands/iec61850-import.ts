import { createReadStream } from "node:fs";
import { mkdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { TextDecoder } from "node:util";
import { GatewayError } from "../../domain/errors.ts";
import { EQUIPMENT_CLASSES } from "../../domain/vocabulary/vocabulary.ts";
import { slugOf } from "../../profiles/compile.ts";
import { readIed, type SclReading } from "../../scl/ied.ts";
import type { SclModel } from "../../scl/model.ts";
import type { SclProblem } from "../../scl/problem.ts";
import { equipmentOf, type Proposal, proposeProfile } from "../../scl/proposal.ts";
import { SCL_BYTES_MAX, SclXmlReader, type XmlResult } from "../../scl/xml-reader.ts";
import { nearestName } from "../nearest-name.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";

const MEBIBYTE = 1_024 * 1_024;
/** Octets that are looked at for what encoding the file is in. */
const HEAD_OCTETS = 256;
const NAME_MAX = 40;

/** A profile with its place in a folder of profiles, and its lines of a site file. */
interface Imported {
  /** `<manufacturer>/<model>` */
  readonly name: string;
  readonly profile: object;
  readonly site: string;
  readonly proposal: Proposal;
}

/**
 * `iec61850 import <file>`: a profile and a site entry proposed from an ICD, CID or SCD file. With
 * `--out` the profile is written into that folder of profiles; a file that is there is left alone.
 * Exit status: 0 proposed, 1 the file is not usable, 2 wrong use or unreadable.
 */
export async function iec61850Import(call: CommandCall): Promise<ExitStatus> {
  const { terminal } = call;
  const [file] = call.positionals;
  if (file === undefined) {
    terminal.err("iec61850 import needs an SCL file: .icd, .cid, .scd or .iid");
    return 2;
  }
  const equipment = textOption(call, "class");
  if (equipment !== undefined && !EQUIPMENT_CLASSES.has(equipment)) {
    const meant = nearestName(equipment, [...EQUIPMENT_CLASSES]);
    const hint = meant === undefined ? [...EQUIPMENT_CLASSES].join(", ") : `did you mean ${meant}?`;
    terminal.err(`there is no class of equipment "${equipment}"; ${hint}`);
    return 2;
  }
  const xml = await readScl(file, call.signal);
  if ("problem" in xml) return tellProblems(call, file, [xml.problem]);
  const reading = readIed(xml.root, textOption(call, "ied"));
  for (const warning of reading.warnings) terminal.err(`warning: ${problemText(file, warning)}`);
  return propose(call, file, reading, equipment);
}

async function propose(
  call: CommandCall,
  file: string,
  { model, problems }: SclReading,
  equipment: string | undefined,
): Promise<ExitStatus> {
  if (model === undefined) return tellProblems(call, file, problems);
  const kind = equipment ?? equipmentOf(model);
  if (kind === undefined) {
    const message =
      `nothing in "${model.ied}" says what kind of equipment it is (no battery, inverter, ` +
      "generator, breaker or meter among its logical nodes): say it with --class";
    return tellProblems(call, file, [{ line: 0, column: 0, message }]);
  }
  const proposal = proposeProfile(model, kind);
  if (proposal.points.length === 0) {
    const message = `"${model.ied}" has no value that could be a point of a ${kind}`;
    return tellProblems(call, file, [{ line: 0, column: 0, message }]);
  }
  const imported = importedFrom(model, proposal, path.basename(file));
  const folder = textOption(call, "out");
  if (hasFlag(call, "json")) {
    const { name, profile, site } = imported;
    const { controls, missing, leftOut } = proposal;
    call.terminal.out(JSON.stringify({ name, profile, site, controls, missing, leftOut }));
  }
  if (folder !== undefined) return write(call, imported, folder);
  if (!hasFlag(call, "json")) {
    call.terminal.out(profileText(imported));
    tellSite(call, imported);
  }
  return 0;
}

/** Says what is wrong with an SCL file; the exit status that goes with it. */
export function tellProblems(
  call: CommandCall,
  file: string,
  problems: readonly SclProblem[],
): ExitStatus {
  if (hasFlag(call, "json")) call.terminal.out(JSON.stringify({ file, problems }));
  else for (const problem of problems) call.terminal.err(problemText(file, problem));
  return 1;
}

function problemText(file: string, { line, column, message }: SclProblem): string {
  return line === 0 ? `${file}: ${message}` : `${file}:${line}:${column}: ${message}`;
}

/**
 * Reads a file piece by piece, never as a whole.
 *
 * @throws GatewayError FILE_UNREADABLE; the reason of the signal
 */
export async function readScl(file: string, signal: AbortSignal): Promise<XmlResult> {
  try {
    const { size } = await stat(file);
    if (size > SCL_BYTES_MAX) {
      const most = SCL_BYTES_MAX / MEBIBYTE;
      const message = `the file has ${Math.ceil(size / MEBIBYTE)} MiB, and ${most} are the most`;
      return { problem: { line: 0, column: 0, message } };
    }
    return await readPieces(file, signal);
  } catch (cause) {
    if (signal.aborted) throw cause;
    if (cause instanceof GatewayError || !(cause instanceof Error && "code" in cause)) throw cause;
    throw new GatewayError("FILE_UNREADABLE", { file }, { cause });
  }
}

async function readPieces(file: string, signal: AbortSignal): Promise<XmlResult> {
  const reader = new SclXmlReader();
  let decoder: TextDecoder | undefined;
  let octets = 0;
  for await (const chunk of createReadStream(file, { signal })) {
    const bytes = chunk as Buffer;
    octets += bytes.length;
    // It may grow while it is read.
    if (octets > SCL_BYTES_MAX) break;
    const isFirst = decoder === undefined;
    decoder ??= decoderFor(bytes.subarray(0, HEAD_OCTETS));
    if (decoder === undefined) {
      const message = "the file is in an encoding that is not known here: save it as UTF-8";
      return { problem: { line: 1, column: 1, message } };
    }
    const text = decoder.decode(bytes, { stream: true });
    if (!reader.push(isFirst ? text.replace(/^\uFEFF/, "") : text)) break;
  }
  reader.push(decoder?.decode() ?? "");
  return reader.finish();
}

/** By the mark at the beginning, else by the XML declaration; undefined for an unknown encoding. */
function decoderFor(head: Uint8Array): TextDecoder | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder("utf-16le");
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder("utf-16be");
  const declaration = Buffer.from(head).toString("latin1");
  const [, named = "utf-8"] = /^[^>]*\bencoding=["']([A-Za-z0-9._-]+)["']/.exec(declaration) ?? [];
  try {
    return new TextDecoder(named);
  } catch {
    return undefined;
  }
}

function importedFrom(model: SclModel, proposal: Proposal, file: string): Imported {
  const manufacturer = model.manufacturer === "" ? "unknown" : model.manufacturer;
  const kind = model.type === "" ? model.ied : model.type;
  const name = `${slugOf(manufacturer)}/${slugOf(kind)}`;
  const { ied, addresses } = model;
  const [address] = addresses;
  const id = deviceName(ied);
  const host = address === undefined ? "192.0.2.1" : JSON.stringify(address.host);
  const remark = address === undefined ? " # the file names no address" : "";
  return {
    name,
    proposal,
    profile: profileOf(model, proposal, { manufacturer, kind, file }),
    site: [
      "connections:",
      `  ${id}: { protocol: iec61850, host: ${host} }${remark}`,
      "",
      "devices:",
      `  - { id: ${id}, profile: ${name}, connection: ${id}${parameterText(proposal, ied)} }`,
    ].join("\n"),
  };
}

function parameterText({ hasIedParameter }: Proposal, ied: string): string {
  return hasIedParameter ? `, parameters: { ied: ${JSON.stringify(ied)} }` : "";
}

/** A name of a site file for the IED. */
function deviceName(ied: string): string {
  const slug = slugOf(ied).slice(0, NAME_MAX);
  return /^[a-z]/.test(slug) ? slug : `ied-${slug}`.slice(0, NAME_MAX);
}

function profileOf(
  model: SclModel,
  proposal: Proposal,
  of: { readonly manufacturer: string; readonly kind: string; readonly file: string },
): object {
  const { equipment, root, reports, groups, points, missing, hasIedParameter } = proposal;
  const question = "Name of the IED, as its SCL file says it?";
  return {
    $schema: "../profile.schema.json",
    format: 1,
    version: "0.1.0",
    status: "draft",
    note: "Proposed from an SCL file: every line with verify is to be looked at.",
    identity: {
      manufacturer: of.manufacturer,
      model: of.kind,
      class: equipment,
      protocols: ["iec61850"],
    },
    sources: {
      scl: {
        document: of.file,
        revision: model.configVersion === "" ? "not said" : model.configVersion,
        licence: "facts only",
      },
    },
    ...(hasIedParameter
      ? { parameters: { ied: { type: "string", default: model.ied, question } } }
      : {}),
    iec61850: {
      ...(model.edition === "" ? {} : { edition: model.edition }),
      root,
      ...(reports.length > 0 ? { reports } : {}),
    },
    groups,
    points,
    missing: Object.fromEntries(missing.map((point) => [point, "not found in the SCL file"])),
  };
}

function profileText({ profile }: Imported): string {
  return JSON.stringify(profile, undefined, 2);
}

/** What goes beside the profile, on the other stream: the profile alone is on this one. */
function tellSite(call: CommandCall, { name, site, proposal }: Imported): void {
  const { terminal } = call;
  const { points, missing, controls, leftOut } = proposal;
  const extra = points.filter(({ point }) => point.startsWith("x-")).length;
  const say = (line: string): void => {
    terminal.err(line);
  };
  say(`# ${name}: ${points.length - extra} points of the vocabulary, ${extra} outside of it (x-)`);
  if (leftOut > 0) say(`# ${leftOut} more values were left out`);
  if (missing.length > 0) say(`# not found, and the class wants them: ${missing.join(", ")}`);
  for (const { object, model, point } of controls) {
    const what = point === undefined ? "" : `, could be ${point}`;
    say(`# takes commands: ${object} (${model}${what}); a write section makes it writable`);
  }
  say("# for the site file:");
  for (const line of site.split("\n")) say(line);
}

async function write(call: CommandCall, imported: Imported, folder: string): Promise<ExitStatus> {
  const place = path.join(folder, `${imported.name}.json`);
  try {
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, `${profileText(imported)}\n`, { flag: "wx" });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new GatewayError("FILE_UNREADABLE", { file: place }, { cause });
    }
    call.terminal.err(`${place} is there already, and is left as it is: move it away first`);
    return 1;
  }
  if (hasFlag(call, "json")) return 0;
  tellSite(call, imported);
  call.terminal.out(place);
  return 0;
}
