import type { ControlCommand } from "../../wire/mms/control.ts";
import { encodePosition } from "../../wire/mms/quality.ts";
import { utf8Bytes } from "../../domain/utf8.ts";
import { fitsType, valueOfType } from "../../wire/mms/type-fit.ts";
import type { MmsValue } from "../../wire/mms/value.ts";
import type { Alarms } from "./alarms.ts";
import { ControlObject, type ControlWorld } from "./control-object.ts";
import type { ControlRequest } from "./control-request.ts";
import type { ControlModel, DataObjectModel, IedModel } from "./model.ts";
import { type Domain, invalid } from "./tree.ts";
import type { Variable } from "./variable.ts";

export interface ControlsTerms {
  readonly model: IedModel;
  readonly domains: ReadonlyMap<string, Domain>;
  readonly alarms: Alarms;
  readonly refusal: (request: ControlRequest) => number | undefined;
  readonly course: ControlWorld["course"];
  readonly operated: (control: BuiltControl, command: ControlCommand) => void;
}

export interface BuiltControl {
  readonly reference: string;
  readonly object: ControlObject;
  /** Puts a command that was carried out into the model. @returns what it touched */
  readonly showFeedback: (command: ControlCommand) => readonly Variable[];
}

/** Beh of a node under test, and of one that is blocked besides (IEC 61850-7-4, Beh). */
const TEST_MODES: ReadonlySet<number> = new Set([3, 4]);

/** The control objects of a model, behind their variables. */
export function buildControls(terms: ControlsTerms): readonly BuiltControl[] {
  return terms.model.logicalDevices.flatMap((device) => {
    const domain = terms.domains.get(device.name);
    if (domain === undefined) return [];
    return device.logicalNodes.flatMap((node) =>
      node.dataObjects.flatMap((object) => controlOf(terms, domain, { node: node.name, object })),
    );
  });
}

interface Place {
  readonly node: string;
  readonly object: DataObjectModel;
}

function controlOf(terms: ControlsTerms, domain: Domain, place: Place): readonly BuiltControl[] {
  const { node, object } = place;
  const { control } = object;
  if (control === undefined || control.model === "status-only") return [];
  const variable = domain.find(`${node}$CO$${object.name}`);
  if (variable === undefined) throw invalid("a control object has no variable", object.name);
  const reference = `${domain.name}/${node}.${object.name}`;
  const feedback = feedbackOf(control, domain, place);
  const built: BuiltControl = {
    reference,
    object: new ControlObject({
      domain: domain.name,
      variable,
      model: control,
      alarms: terms.alarms,
      world: {
        refusal: (stage, command) => terms.refusal({ reference, stage, command }),
        isUnderTest: () => isUnderTest(domain, node),
        course: terms.course,
        operate: (command) => {
          terms.operated(built, command);
        },
      },
    }),
    showFeedback: (command) => showFeedback(feedback, command),
  };
  bind(variable, built.object);
  return [built];
}

function bind(variable: Variable, object: ControlObject): void {
  for (const member of variable.members) {
    const { name } = member;
    if (name === "SBO") {
      member.special = { read: (client) => object.select(client) };
    } else if (name === "SBOw" || name === "Oper" || name === "Cancel") {
      member.special = { write: (client, value) => object.write(name, value, client) };
    }
  }
}

function feedbackOf(
  control: ControlModel,
  domain: Domain,
  { node, object }: Place,
): Variable | undefined {
  if (control.feedback === undefined) return undefined;
  const { fc, path } = control.feedback;
  const item = [node, fc, object.name, ...path].join("$");
  const variable = domain.find(item);
  if (variable === undefined) throw invalid("a control object has no such feedback", item);
  return variable;
}

/** The value, and beside it who commanded, where the object has room for that. */
function showFeedback(
  feedback: Variable | undefined,
  command: ControlCommand,
): readonly Variable[] {
  if (feedback === undefined) return [];
  const touched: Variable[] = [];
  const show = (variable: Variable | undefined, value: MmsValue | undefined): void => {
    if (variable === undefined || value === undefined || !fitsType(variable.type, value)) return;
    variable.set(value);
    touched.push(variable);
  };
  const { category, identification } = command.origin;
  const object = feedback.parent;
  const origin = object?.member("origin");
  show(origin?.member("orCat"), { kind: "integer", value: category });
  show(origin?.member("orIdent"), { kind: "octets", bytes: utf8Bytes(identification) });
  show(object?.member("ctlNum"), { kind: "unsigned", value: command.number });
  show(feedback, feedbackValue(feedback, command.value));
  return touched;
}

function feedbackValue(
  feedback: Variable,
  commanded: ControlCommand["value"],
): MmsValue | undefined {
  const { type } = feedback;
  const plain =
    typeof commanded === "object" && commanded.kind === "boolean" ? commanded.value : commanded;
  if (typeof plain === "boolean" && type.kind === "bits") {
    return { kind: "bits", ...encodePosition(plain ? "closed" : "open") };
  }
  return valueOfType(type, plain);
}

/** By the behaviour of the node or, where it has none, of the whole logical device. */
function isUnderTest(domain: Domain, node: string): boolean {
  const behaviour = domain.find(`${node}$ST$Beh$stVal`) ?? domain.find("LLN0$ST$Beh$stVal");
  const value = behaviour?.value;
  return value?.kind === "integer" && TEST_MODES.has(Number(value.value));
}
