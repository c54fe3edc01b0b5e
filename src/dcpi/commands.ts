import { Ajv, type ValidateFunction } from "ajv";
import { leaseMsOf, memberOf, mustFit, readFrame, Refused } from "./command-reading.ts";
import type {
  CommandDraft,
  CommandFault,
  CommandIntent,
  CommandRequest,
  Dialect,
  LeaseLimits,
} from "./command-request.ts";
import { DcpiPowerControl, type PowerCommand, PswdBatteryControl } from "./command-schema.ts";
import { eventIdOf, readDemandResponse } from "./demand-response.ts";
import type { JsonValue } from "../wire/json/reader.ts";
import { W_PER_MW } from "./document.ts";
import { parseStrictJson } from "./strict-json.ts";

/** End of the topic on which commands come in. */
export type CommandTopic = "cmd/battery/control" | "cmd/power/control" | "cmd/grid/demand-response";

export const COMMAND_TOPICS: readonly CommandTopic[] = [
  "cmd/battery/control",
  "cmd/power/control",
  "cmd/grid/demand-response",
];

export interface CommandRefused {
  readonly refused: CommandFault;
  /** JSON pointer to what is wrong. */
  readonly at: string;
  /** One plain sentence. */
  readonly text: string;
  /** As far as the message could be read: to whom the answer goes. */
  readonly id: string | undefined;
  readonly dialect: Dialect | undefined;
}

/** What is known beside the bytes. */
export interface CommandSetting {
  readonly topic: CommandTopic;
  /** Id from MQTT (user property or correlation data), used when the body has none. */
  readonly transportId: string | undefined;
  readonly facility: string;
  readonly lease: LeaseLimits;
}

const ID = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;
const ajv = new Ajv({ strict: true, allErrors: false });
const isBatteryControl: ValidateFunction<PswdBatteryControl> = ajv.compile(PswdBatteryControl);
const isPowerControl: ValidateFunction<DcpiPowerControl> = ajv.compile(DcpiPowerControl);

/**
 * Reads a command message. Nothing is assumed: an unknown member, a sign that disagrees with its
 * verb or a missing power is refused with its place. All commands of a message are read, or none.
 */
export function parseCommands(
  bytes: Uint8Array,
  setting: CommandSetting,
): CommandRequest | CommandRefused {
  const json = parseStrictJson(bytes);
  if ("fault" in json) {
    return {
      refused: json.fault,
      at: json.at,
      text: `the message cannot be read: ${json.fault}`,
      id: transportId(setting),
      dialect: undefined,
    };
  }
  const reach = { id: idOf(json.value, setting), dialect: undefined as Dialect | undefined };
  try {
    reach.dialect = dialectOf(json.value);
    return read(json.value, reach.dialect, setting);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { refused: error.reason, at: error.at, text: error.message, ...reach };
  }
}

/** Names a refused message does not have to invent: what the body or the transport calls it. */
function idOf(value: JsonValue, setting: CommandSetting): string | undefined {
  if (setting.topic === "cmd/grid/demand-response") return eventIdOf(value);
  const id = memberOf(value, "command_id");
  return typeof id === "string" && ID.test(id) ? id : transportId(setting);
}

function transportId({ transportId: id }: CommandSetting): string | undefined {
  return id !== undefined && ID.test(id) ? id : undefined;
}

function dialectOf(value: JsonValue): Dialect {
  const dcpi = memberOf(value, "dcpi_version");
  const pswd = memberOf(value, "PSWD_version");
  if (dcpi !== undefined && pswd !== undefined) {
    throw new Refused("two-dialects", "", "either dcpi_version or PSWD_version, not both");
  }
  const version = dcpi ?? pswd;
  if (version === undefined) {
    throw new Refused("no-dialect", "", 'dcpi_version or PSWD_version is missing; both know "1.0"');
  }
  const name = dcpi === undefined ? "PSWD_version" : "dcpi_version";
  if (version !== "1.0") {
    throw new Refused("unsupported-version", `/${name}`, `${name} "1.0" is supported`);
  }
  return dcpi === undefined ? "pswd" : "dcpi";
}

function read(value: JsonValue, dialect: Dialect, setting: CommandSetting): CommandRequest {
  const frame = { facility: setting.facility, id: idOf(value, setting), dialect };
  if (setting.topic === "cmd/grid/demand-response") {
    if (dialect === "dcpi") return readDemandResponse(value, setting);
    throw new Refused("wrong-dialect", "/PSWD_version", "PSWD has no request of the grid");
  }
  if (dialect === "dcpi") {
    mustFit(isPowerControl, value);
    const head = readFrame(value, frame);
    const isOne = value.commands.length === 1;
    const commands = value.commands.map((command, place) => ({
      id: isOne ? head.id : `${head.id}.${place}`,
      ...readPowerCommand(command, `/commands/${place}`, setting.lease),
    }));
    return { ...head, commands };
  }
  if (setting.topic !== "cmd/battery/control") {
    throw new Refused("wrong-dialect", "/PSWD_version", "PSWD has no power control message");
  }
  mustFit(isBatteryControl, value);
  const head = readFrame(value, frame);
  return { ...head, commands: [{ id: head.id, ...readBatteryControl(value, setting.lease) }] };
}

type Reading = Omit<CommandDraft, "id">;

function readBatteryControl(message: PswdBatteryControl, lease: LeaseLimits): Reading {
  const { command_type: verb, target_power_mw: powerMw } = message;
  const leaseMs = leaseMsOf(message.duration_sec, lease, "/duration_sec");
  const frame = { target: undefined, at: "", leaseMs };
  if (verb === "load_smooth") return { ...frame, intent: { kind: "not-supported", action: verb } };
  if (verb === "standby") return { ...frame, intent: standby(message) };
  if (powerMw === undefined) {
    throw new Refused("no-power", "/target_power_mw", `${verb} needs target_power_mw`);
  }
  const isAgreed = verb === "discharge" ? powerMw >= 0 : powerMw <= 0;
  if (!isAgreed) {
    const text = "target_power_mw is positive to discharge and negative to charge";
    throw new Refused("sign-disagrees", "/target_power_mw", text);
  }
  return { ...frame, intent: setPower(powerMw, message.ramp_rate_mw_per_sec) };
}

/** Rest for a time is 0 MW under a lease; rest without an end gives the battery back. */
function standby(message: PswdBatteryControl): CommandIntent {
  if ((message.target_power_mw ?? 0) !== 0) {
    throw new Refused("sign-disagrees", "/target_power_mw", "standby moves no power");
  }
  if (message.duration_sec === undefined) return { kind: "release" };
  return setPower(0, message.ramp_rate_mw_per_sec);
}

type ActionValues = Omit<PowerCommand, "target" | "action" | "parameters">;

function readPowerCommand(command: PowerCommand, at: string, lease: LeaseLimits): Reading {
  const { action, target, parameters } = command;
  const values = { ...flatValues(command), ...parameters };
  const valuesAt = parameters === undefined ? at : `${at}/parameters`;
  const leaseMs = leaseMsOf(values.duration_sec, lease, `${valuesAt}/duration_sec`);
  const frame = { target, at, leaseMs };
  const shadow = shadowIntent(action);
  if (shadow !== undefined) return { ...frame, intent: shadow };
  if (action !== "discharge" && action !== "charge") {
    return { ...frame, intent: { kind: "not-supported", action } };
  }
  mustBeFlatOrNested(command, at);
  const powerMw = values.power_mw ?? values.rate_mw;
  if (powerMw === undefined) {
    throw new Refused("no-power", valuesAt, `${action} needs power_mw or rate_mw`);
  }
  if (values.power_mw !== undefined && values.rate_mw !== undefined) {
    throw new Refused("two-values", `${valuesAt}/rate_mw`, "power_mw and rate_mw");
  }
  const energyMs = energyLastsMs(powerMw, values.capacity_mwh);
  if (energyMs < 1) {
    throw new Refused("duration-zero", `${valuesAt}/capacity_mwh`, "energy for no duration");
  }
  return {
    ...frame,
    leaseMs: Math.min(leaseMs, energyMs),
    intent: setPower(action === "discharge" ? powerMw : -powerMw, values.ramp_rate_mw_per_sec),
  };
}

/** Of this gateway alone: whether the settings of `control.shadow` write. */
function shadowIntent(action: PowerCommand["action"]): CommandIntent | undefined {
  if (action !== "x_shadow_on" && action !== "x_shadow_off") return undefined;
  return { kind: "set-point", point: "x-shadow", value: action === "x_shadow_on" ? 1 : 0 };
}

function flatValues(command: PowerCommand): ActionValues {
  const values: Partial<PowerCommand> = { ...command };
  delete values.target;
  delete values.action;
  delete values.parameters;
  return values;
}

/** The same limit in two places would leave open which one is meant. */
function mustBeFlatOrNested(command: PowerCommand, at: string): void {
  if (command.parameters === undefined) return;
  const [twice] = Object.keys(flatValues(command)).filter((name) => !name.startsWith("x_"));
  if (twice === undefined) return;
  throw new Refused("two-values", `${at}/${twice}`, "beside parameters nothing else may stand");
}

/** An amount of energy is a limit, too: at that power it lasts this long, ms. */
function energyLastsMs(powerMw: number, energyMwh: number | undefined): number {
  if (energyMwh === undefined || powerMw === 0) return Infinity;
  return Math.floor((energyMwh / powerMw) * 3_600_000);
}

function setPower(powerMw: number, rampMwPerS: number | undefined): CommandIntent {
  return {
    kind: "set-power",
    // Plus zero turns -0 into 0: a charge of nothing is not negative.
    powerW: Math.round(powerMw * W_PER_MW) + 0,
    rampWPerS: rampMwPerS === undefined ? undefined : rampMwPerS * W_PER_MW,
  };
}
