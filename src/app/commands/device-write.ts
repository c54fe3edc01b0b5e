import { createInterface } from "node:readline/promises";
import { compileEnvelope, judgeWrite, type EnvelopeRefusal } from "../../control/envelope.ts";
import { GatewayError } from "../../domain/errors.ts";
import type { WriteOutcome } from "../../domain/write.ts";
import type { EnvelopeConfig } from "../../config/schema.ts";
import { envelopeEntry, writable } from "../control-settings.ts";
import { lockedOutBy } from "../saved-latches.ts";
import { type CommandCall, type ExitStatus, hasFlag, textOption } from "../terminal.ts";
import type { WireWrite } from "./device-access.ts";
import { spoken } from "./device-lines.ts";
import { DeviceRun } from "./device-run.ts";
import {
  beginOnDevice,
  type DeviceSession,
  type DeviceSurroundings,
  failureText,
  holderOfDevice,
  holderText,
  sayingWrongUse,
  soleConnectionOf,
} from "./device-session.ts";
import {
  findPoints,
  parseValue,
  pointsOf,
  type TargetPoint,
  type WriteRule,
  writeRuleOf,
} from "./device-target.ts";

/** One write, as far as it is decided. */
interface Plan {
  readonly session: DeviceSession;
  readonly target: TargetPoint;
  readonly rule: WriteRule;
  /** Canonical; inside the envelope of the site. */
  readonly value: number;
}

/** How a write ended; `status` is that of the command. */
interface Ending {
  readonly result: "applied" | "written" | "differs" | "refused" | "unknown" | "not-asked";
  readonly sentence: string;
  readonly status: ExitStatus;
  /** What the device shows afterwards, canonical. */
  readonly shown?: number;
}

const DANGERS: ReadonlySet<WriteRule["danger"]> = new Set(["interrupts-load", "permanent"]);

/**
 * `device write <device> <point> <value> [unit]`: shows what would go on the wire, asks, writes,
 * reads back. Nothing is written while a gateway drives the device, nor beyond the envelope of the
 * site. Exit status: 0 written and shown by the device (or by nothing, where the device shows
 * nothing), 1 refused, not wanted, or shown otherwise, 2 wrong use, 3 not reached, or nobody knows.
 */
export async function deviceWrite(
  call: CommandCall,
  surroundings: DeviceSurroundings = {},
): Promise<ExitStatus> {
  return sayingWrongUse(call, async () => decide(call, surroundings));
}

async function decide(call: CommandCall, surroundings: DeviceSurroundings): Promise<ExitStatus> {
  const session = await beginOnDevice(call, "write", surroundings);
  if (typeof session === "number") return session;
  const plan = planOf(call, session);
  if ("problem" in plan) return refuse(call, plan.problem, plan.status);
  const locked = await lockedProblem(session);
  if (locked !== undefined) return refuse(call, locked, 1);
  const rehearsed = await rehearse(call, plan);
  if ("ending" in rehearsed) return tell(call, plan, { ...rehearsed, writes: [] });
  const { writes } = rehearsed;
  if (!hasFlag(call, "json")) for (const line of planLines(plan, writes)) call.terminal.out(line);
  if (hasFlag(call, "dry-run")) {
    const ending = end("not-asked", "a dry run: nothing was written", 0);
    return tell(call, plan, { ending, writes });
  }
  const refusal = await consent(call, plan, surroundings.ask ?? askPerson);
  if (refusal !== undefined) return tell(call, plan, { ending: refusal, writes });
  // A person may have taken an hour over the answer.
  const driven = drivenProblem(session);
  if (driven !== undefined) return tell(call, plan, { ending: end("refused", driven, 1), writes });
  return tell(call, plan, { ending: await write(call, plan), writes });
}

function end(result: Ending["result"], sentence: string, status: ExitStatus): Ending {
  return { result, sentence, status };
}

function refuse(call: CommandCall, sentence: string, status: ExitStatus): ExitStatus {
  if (hasFlag(call, "json")) {
    call.terminal.out(JSON.stringify({ result: "refused", reason: sentence }));
  } else call.terminal.err(sentence);
  return status;
}

interface Problem {
  readonly problem: string;
  readonly status: ExitStatus;
}

function planOf(call: CommandCall, session: DeviceSession): Plan | Problem {
  const [, name, text, unit] = call.positionals;
  const { context, device } = session;
  if (name === undefined || text === undefined) {
    const writable = pointsOf(context, device).filter(
      ({ bound }) => writeRuleOf(device.profile, bound) !== undefined,
    );
    const names = writable.map(({ bound }) => bound.id).join(", ");
    const what = names === "" ? `${device.profile.name} has none` : names;
    const problem = `device write needs a point and a value; points that can be written: ${what}`;
    return { problem, status: 2 };
  }
  const [target] = findPoints(context, device, [name]);
  const rule = target && writeRuleOf(device.profile, target.bound);
  if (target === undefined || rule === undefined) {
    const problem = `${name} is read only: ${device.profile.name} has no way to write it`;
    return { problem, status: 1 };
  }
  const value = parseValue(target.bound, rule, text, unit);
  // A dry run only reads: a gateway beside it is no harm.
  const busy = hasFlag(call, "dry-run") ? soleConnectionOf(session) : drivenProblem(session);
  const problem = envelopeProblem(session, target) ?? busy;
  return problem === undefined ? { session, target, rule, value } : { problem, status: 1 };
}

function envelopeProblem({ context }: DeviceSession, { definition }: TargetPoint) {
  const { device, name, unit } = definition;
  const isLine = (entry: EnvelopeConfig): boolean =>
    entry.device === device && entry.point === name;
  if (writable(context).some(isLine)) return undefined;
  if (context.site.envelope.some(isLine))
    return `nothing may write ${definition.id}: ${device} is only observed by ${context.file}`;
  return (
    `nothing may write ${definition.id}: the envelope of ${context.file} has no line for it; ` +
    `add { device: ${device}, point: ${name}, minimum: …, maximum: …, unit: ${unit ?? "'1'"} }`
  );
}

function drivenProblem(session: DeviceSession): string | undefined {
  const holder = holderOfDevice(session);
  if (holder === undefined) return undefined;
  const { id } = session.device.config;
  return (
    `${holderText(holder)} drives ${id}, and two writers would fight: send the gateway a command ` +
    `(cmd/… on MQTT), or end it first, for example with systemctl stop ${holder.role}`
  );
}

async function lockedProblem({ context, device }: DeviceSession): Promise<string | undefined> {
  const { id } = device.config;
  const by = await lockedOutBy(context, id);
  if (by === undefined) return undefined;
  return `${id} is locked out by ${by}: nothing may be written to it until they lift it`;
}

/** Reads what the write depends on, and lets the driver write to nobody. */
async function rehearse(
  call: CommandCall,
  plan: Plan,
): Promise<{ readonly ending: Ending } | { readonly writes: readonly WireWrite[] }> {
  const { session, target, value } = plan;
  const rehearsal = session.access.rehearsal();
  const run = runOf(call, session, rehearsal.driver);
  try {
    const isRead = await run.untilRead(readIndexes(session), session.timeoutMs);
    if (!isRead) return { ending: end("refused", "the device does not answer in time", 3) };
    const refusal = envelopeVerdict(plan, run);
    if (refusal !== undefined) return { ending: end("refused", refusal, 1) };
    const setpoint = { point: target.definition.index, value, confirm: rehearsal.confirm };
    const [outcome] = await run.driver.write([setpoint], call.signal);
    if (outcome?.result !== "accepted") return { ending: refused(plan, outcome) };
    return { writes: rehearsal.sent(target.bound) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { ending: end("refused", failureText(session, error), 3) };
  } finally {
    await run.stop();
  }
}

function runOf(call: CommandCall, session: DeviceSession, driver: DeviceRun["driver"]): DeviceRun {
  const pointCount = session.context.table.points.length;
  return new DeviceRun({ driver, pointCount, clock: session.clock, signal: call.signal });
}

function readIndexes({ context, device }: DeviceSession) {
  return pointsOf(context, device)
    .filter(({ definition }) => definition.readable)
    .map(({ definition }) => definition.index);
}

const ENVELOPE_WORDS: Readonly<Record<EnvelopeRefusal, string>> = {
  "not-a-number": "it is no number",
  "read-only": "the envelope of the site has no line for it",
  "locked-out": "somebody has locked the device out",
  "out-of-envelope": "it is beyond the envelope of the site",
  "value-unknown": "the envelope limits its rate, and the present value cannot be read",
  "too-fast": "the envelope limits its rate: go there in smaller steps",
  "too-soon": "the envelope wants more time between two writes",
  tripped: "a trip holds the device",
  excluded: "a point that may not be in force together with it is",
  "exclusion-unknown": "whether a point that it excludes is in force cannot be read here",
  interlock: "an interlock of the profile is not open",
  "interlock-unknown": "an interlock of the profile cannot be read",
};

/** The same judgement that control makes of every write; beyond the limits is a no. */
function envelopeVerdict({ session, target, value }: Plan, run: DeviceRun): string | undefined {
  const { context, clock } = session;
  const { device, name, index } = target.definition;
  const entries = writable(context)
    .filter((entry) => entry.device === device && entry.point === name)
    .map((entry) => envelopeEntry(context, entry));
  const request = { point: index, value, isProtective: false, mode: "refuse" } as const;
  const verdict = judgeWrite(compileEnvelope(entries), request, run.image.view, clock.now());
  if (verdict.result === "allowed") return undefined;
  const [entry] = entries;
  const range =
    entry === undefined || verdict.reason !== "out-of-envelope"
      ? ""
      : ` (${spoken(target, entry.min)} to ${spoken(target, entry.max)})`;
  return `${spoken(target, value)} is refused: ${ENVELOPE_WORDS[verdict.reason]}${range}`;
}

function planLines(plan: Plan, writes: readonly WireWrite[]): readonly string[] {
  const { session, target, rule, value } = plan;
  const { danger, keepAlive } = rule;
  const lines = [
    `${target.definition.id} = ${spoken(target, value)}, at ${session.access.place}; on the wire:`,
    ...writes.map(({ purpose, line }) => `  ${purpose.padEnd(6)} ${line}`),
  ];
  if (danger !== "none") lines.push(`  danger: ${danger}`);
  for (const name of keepAlive) {
    const held = session.device.profile.keepAlives.get(name);
    if (held !== undefined) {
      lines.push(`  held only while ${name} is repeated every ${held.everyMs} ms: ${held.onLoss}`);
    }
  }
  return lines;
}

/** @returns why nothing is written; undefined when it is wanted */
async function consent(
  call: CommandCall,
  { target, rule }: Plan,
  ask: NonNullable<DeviceSurroundings["ask"]>,
): Promise<Ending | undefined> {
  const { id } = target.definition;
  const isGrave = DANGERS.has(rule.danger);
  if (hasFlag(call, "yes")) {
    if (!isGrave || textOption(call, "danger") === rule.danger) return undefined;
    const reason = `--yes is not enough for what ${rule.danger}: add --danger ${rule.danger}`;
    return end("not-asked", reason, 2);
  }
  const question = isGrave ? `Type ${id} to write it: ` : "Write it? [y/N] ";
  const answer = await ask(question, call.signal);
  if (answer === undefined) {
    return end("not-asked", "nobody can be asked here: --yes writes without a question", 2);
  }
  const wanted = isGrave ? answer.trim() === id : /^y(es)?$/i.test(answer.trim());
  return wanted ? undefined : end("not-asked", "nothing was written", 1);
}

async function askPerson(question: string, signal: AbortSignal): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(question, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
    return "";
  } finally {
    lines.close();
  }
}

async function write(call: CommandCall, plan: Plan): Promise<Ending> {
  const { session, target, value } = plan;
  const run = runOf(call, session, session.access.driver());
  try {
    const isRead = await run.untilRead(readIndexes(session), session.timeoutMs);
    if (!isRead) return end("refused", "the device no longer answers: nothing was written", 3);
    const setpoint = { point: target.definition.index, value, confirm: "read-back" } as const;
    const [outcome] = await run.driver.write([setpoint], call.signal);
    return endingOf(plan, outcome);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return end("refused", `${failureText(session, error)}: nothing was written`, 3);
  } finally {
    await run.stop();
  }
}

function endingOf(plan: Plan, outcome: WriteOutcome | undefined): Ending {
  if (outcome === undefined || outcome.result === "refused") return refused(plan, outcome);
  const { target, value } = plan;
  const wanted = spoken(target, value);
  const { readBack } = outcome;
  const how =
    outcome.result === "accepted" ? "written" : "sent, its answer was lost (what follows was read)";
  if (readBack?.result === "applied") {
    const shows = spoken(target, readBack.value);
    return { ...end("applied", `${how}, and the device shows ${shows}`, 0), shown: readBack.value };
  }
  if (readBack?.result === "differs") {
    const shows = spoken(target, readBack.value);
    const sentence = `${how}, but the device shows ${shows} instead of ${wanted}`;
    return { ...end("differs", sentence, 1), shown: readBack.value };
  }
  if (outcome.result === "unknown") {
    const sentence =
      "unknown: it was sent and no answer came; the device may or may not have taken it. " +
      `Read it before anything else (${outcome.error.code})`;
    return end("unknown", sentence, 3);
  }
  return end("written", "written; the device shows nowhere what it holds now", 0);
}

function refused(plan: Plan, outcome: WriteOutcome | undefined): Ending {
  const error = outcome?.result === "refused" ? outcome.error : undefined;
  if (error === undefined) return end("refused", "the driver gave no answer", 1);
  if (error.code === "DEVICE_EXCEPTION") {
    return end("refused", `refused by the device: ${deviceWords(error)}`, 1);
  }
  const wanted = spoken(plan.target, plan.value);
  return end("refused", `${wanted} is refused: ${driverWords(error)}`, 1);
}

/** What the gateway's own side has against it, and where. */
function driverWords({ context, message }: GatewayError): string {
  const { reason, interlock, node } = context;
  if (typeof reason !== "string") return message;
  const where = interlock ?? node;
  const words = REFUSAL_WORDS[reason] ?? reason;
  return where === undefined ? words : `${words} (${String(where)})`;
}

/** An exception code of Modbus, or what a device of IEC 61850 says, and at which stage. */
function deviceWords({ context }: GatewayError): string {
  const { exception, refused: word, stage, cause } = context;
  if (exception !== undefined) return `exception ${String(exception)}`;
  if (stage === undefined) return String(word ?? "without a reason");
  return `${String(cause ?? "without a reason")} (at ${String(stage)})`;
}

/** Reasons of the driver, for people. */
const REFUSAL_WORDS: Readonly<Record<string, string>> = {
  "not-writable": "the profile has no way to write it",
  "not-a-number": "it is no number",
  "out-of-range": "it is beyond what the profile allows the device",
  "range-unknown": "a limit that the device itself gives cannot be read",
  "scale-unknown": "the device's scale factor, or the rating it is a share of, cannot be read",
  interlock: "an interlock of the profile does not hold",
  "limit-unknown": "a limit that the device itself gives cannot be read",
  "no-such-state": "the device has no such state",
  "status-only": "the device takes no commands there (ctlModel status-only)",
  "too-soon": "the profile wants more time between two commands",
};

function tell(
  call: CommandCall,
  { session, target, value }: Plan,
  { ending, writes }: { readonly ending: Ending; readonly writes: readonly WireWrite[] },
): ExitStatus {
  const { result, sentence, status, shown } = ending;
  if (hasFlag(call, "json")) {
    const answer = {
      point: target.definition.id,
      value,
      unit: target.definition.unit ?? null,
      place: session.access.place,
      wire: writes.map(({ purpose, facts }) => ({ purpose, ...facts })),
      result,
      shown: shown ?? null,
      sentence,
    };
    call.terminal.out(JSON.stringify(answer));
  } else if (status === 0) call.terminal.out(sentence);
  else call.terminal.err(sentence);
  return status;
}
