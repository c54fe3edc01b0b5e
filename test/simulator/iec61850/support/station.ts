import {
  measured,
  setpoint,
  setting,
  status,
  switchable,
  threePhase,
} from "../../../../src/simulator/iec61850/common-data-classes.ts";
import type { IedModel, LogicalNodeModel } from "../../../../src/simulator/iec61850/model.ts";

const EVENTS = ["ZBAT1.BatSt[ST]", "ZBAT1.BatVHi[ST]"];

/** A battery station with one object of every control model and one block of every kind. */
export const STATION: IedModel = {
  vendor: "Example Works",
  product: "Station controller",
  revision: "1.2",
  logicalDevices: [
    {
      name: "DCPIBESS1",
      logicalNodes: [
        {
          name: "LLN0",
          dataObjects: [status("Mod", "enum", 1), status("Beh", "enum", 1)],
          dataSets: [
            { name: "dsMeas", members: ["MMXU1.TotW[MX]", "MMXU1.Hz[MX]", "MMXU1.PhV[MX]"] },
            { name: "dsEvt", members: EVENTS },
          ],
          reports: [
            {
              name: "urcbMeas",
              isBuffered: false,
              instances: 2,
              reportId: "meas",
              dataSet: "dsMeas",
              hasOwner: true,
            },
            {
              name: "brcbEvt",
              isBuffered: true,
              instances: 2,
              dataSet: "dsEvt",
              bufferedEntriesMax: 5,
              hasOwner: true,
            },
          ],
        },
        {
          name: "MMXU1",
          dataObjects: [measured("TotW", 1000), measured("Hz", 50), threePhase("PhV", 230)],
        },
        {
          name: "ZBAT1",
          dataObjects: [status("BatSt", "boolean", true), status("BatVHi", "boolean")],
        },
        { name: "DRCT1", dataObjects: [setting("MaxWLim", 250_000)] },
        controls(),
      ],
    },
    {
      name: "DCPIUPS1",
      logicalNodes: [{ name: "LLN0", dataObjects: [status("Beh", "enum", 1)] }],
    },
  ],
};

function controls(): LogicalNodeModel {
  const limits = { least: -1e6, most: 1e6 };
  return {
    name: "DRCC1",
    dataObjects: [
      setpoint("OutWSet", { model: "direct-normal", ...limits }),
      switchable("DERStop", "boolean", { model: "sbo-normal", selectTimeoutMs: 5000 }),
      switchable("DERStr", "boolean", { model: "direct-enhanced", executionMs: 200 }),
      setpoint("OutVarSet", {
        model: "sbo-enhanced",
        selectTimeoutMs: 5000,
        executionMs: 200,
        originCategories: [2, 3],
        ...limits,
      }),
      switchable("Pos", "dbpos", { model: "sbo-enhanced" }),
    ],
  };
}
