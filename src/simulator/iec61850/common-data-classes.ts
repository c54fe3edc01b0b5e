import type { FunctionalConstraint } from "../../wire/mms/names.ts";
import type {
  AttributeModel,
  AttributeType,
  AttributeValue,
  ControlModel,
  DataObjectModel,
} from "./model.ts";

/**
 * Data objects of the common data classes, as short as a model can say them.
 *
 * @see IEC 61850-7-3, section 7
 */

const qualityAndTime = (fc: FunctionalConstraint): readonly AttributeModel[] => [
  { name: "q", fc, type: "quality" },
  { name: "t", fc, type: "utc-time" },
];

/** A setpoint or a measured value: a structure with its number. */
export const ANALOGUE: AttributeType = { members: [{ name: "f", type: "float32" }] };

const ORIGIN: AttributeType = {
  members: [
    { name: "orCat", type: "enum" },
    { name: "orIdent", type: "octets64" },
  ],
};

/** SPS, INS, ENS: a status of any type. */
export function status(name: string, type: AttributeType, value?: AttributeValue): DataObjectModel {
  const state: AttributeModel = { name: "stVal", fc: "ST", type };
  const attributes = value === undefined ? [state] : [{ ...state, value }];
  return { name, attributes: [...attributes, ...qualityAndTime("ST")] };
}

/** MV: a measured value. */
export function measured(name: string, value = 0): DataObjectModel {
  return {
    name,
    attributes: [
      { name: "mag", fc: "MX", type: ANALOGUE, value: [value] },
      ...qualityAndTime("MX"),
    ],
  };
}

/** WYE: three phases and neutral of a complex measured value, without the angle. */
export function threePhase(name: string, value = 0): DataObjectModel {
  const phase = (part: string): DataObjectModel => ({
    name: part,
    attributes: [
      {
        name: "cVal",
        fc: "MX",
        type: { members: [{ name: "mag", type: ANALOGUE }] },
        value: [[value]],
      },
      ...qualityAndTime("MX"),
    ],
  });
  return { name, attributes: [], parts: ["phsA", "phsB", "phsC", "neut"].map(phase) };
}

/** ASG: a setting. */
export function setting(name: string, value = 0): DataObjectModel {
  return {
    name,
    attributes: [{ name: "setMag", fc: "SP", type: ANALOGUE, value: [value] }],
  };
}

type Control = Omit<ControlModel, "valueType" | "feedback">;

/** APC: an analogue setpoint with its feedback. */
export function setpoint(name: string, control: Control, value = 0): DataObjectModel {
  return {
    name,
    attributes: [
      { name: "origin", fc: "MX", type: ORIGIN },
      { name: "ctlNum", fc: "MX", type: "uint8" },
      { name: "mxVal", fc: "MX", type: ANALOGUE, value: [value] },
      ...qualityAndTime("MX"),
    ],
    control: {
      ...control,
      valueType: ANALOGUE,
      feedback: { fc: "MX", path: ["mxVal"] },
    },
  };
}

/** SPC: a switch that is on or off; DPC with `dbpos`: one that has a position. */
export function switchable(
  name: string,
  type: "boolean" | "dbpos",
  control: Control,
): DataObjectModel {
  return {
    name,
    attributes: [
      { name: "origin", fc: "ST", type: ORIGIN },
      { name: "ctlNum", fc: "ST", type: "uint8" },
      { name: "stVal", fc: "ST", type, ...(type === "dbpos" ? { value: OPEN } : {}) },
      ...qualityAndTime("ST"),
    ],
    control: {
      ...control,
      valueType: "boolean",
      feedback: { fc: "ST", path: ["stVal"] },
    },
  };
}

const OPEN = 1;
