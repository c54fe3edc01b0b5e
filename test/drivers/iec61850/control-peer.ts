import assert from "node:assert/strict";
import type { CommandOrder, ControlModel } from "../../../src/drivers/iec61850/engine.ts";
import { CONTROL_MODELS } from "../../../src/drivers/iec61850/engine.ts";
import { smallNumber } from "../../../src/wire/mms/control.ts";
import type { ObjectName } from "../../../src/wire/mms/object-name.ts";
import { type ApplicationError, encodeControlNotice } from "../../../src/wire/mms/termination.ts";
import type { MmsValue } from "../../../src/wire/mms/value.ts";
import { BOOLEAN, FLOAT, INT8U, type Setup, structure } from "./setup.ts";

export const OBJECT = { ld: "BESS1", ln: "DRCC1", path: ["OutWSet"] };
export const ROOT = "BESS1/DRCC1$CO$OutWSet";
export const OPER: ObjectName & { scope: "domain" } = {
  scope: "domain",
  domain: "BESS1",
  item: "DRCC1$CO$OutWSet$Oper",
};
export const ORIGIN = { category: 3, identification: "edge" };
export const ORDER: CommandOrder = {
  value: 50_000,
  origin: ORIGIN,
  isTest: false,
  isInterlockChecked: true,
  isSynchronismChecked: false,
};

const oper = structure({
  ctlVal: structure({ f: FLOAT }),
  origin: structure({
    orCat: { kind: "integer", bits: 8 },
    orIdent: { kind: "octets", size: -64 },
  }),
  ctlNum: INT8U,
  T: { kind: "utc-time" },
  Test: BOOLEAN,
  Check: { kind: "bits", size: -2 },
});

/** A BESS setpoint object of one model. */
export function serve(setup: Setup, model: ControlModel): void {
  const { peer } = setup;
  const parts = { SBOw: oper, Oper: oper, Cancel: oper };
  const node = structure({ CO: structure({ OutWSet: structure(parts) }) });
  peer.types.set("BESS1/DRCC1", node);
  const value = CONTROL_MODELS.indexOf(model);
  peer.values.set("BESS1/DRCC1$CF$OutWSet$ctlModel", { kind: "integer", value });
  peer.values.set(`${ROOT}$SBO`, { kind: "text", value: ROOT });
}

export function numberOf(value: MmsValue | undefined): number {
  assert.ok(value?.kind === "structure");
  return smallNumber(value.members[2]) ?? -1;
}

export function errorFor(
  service: string,
  number: number,
  additionalCause: number,
): ApplicationError {
  return { object: `${ROOT}$${service}`, error: 1, origin: ORIGIN, number, additionalCause };
}

/** Ends the last command that came. */
export function terminate(setup: Setup, additionalCause?: number): void {
  const command = setup.peer.writes.findLast(({ name }) => name === `${ROOT}$Oper`)?.value;
  assert.ok(command !== undefined);
  const error =
    additionalCause === undefined
      ? undefined
      : errorFor("Oper", numberOf(command), additionalCause);
  setup.peer.inform(encodeControlNotice({ notice: "termination", name: OPER, command, error }));
}

export function writesOf(setup: Setup): string[] {
  return setup.peer.written.map((name) => name.slice(ROOT.length + 1));
}

/** After what is under way on loopback. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
