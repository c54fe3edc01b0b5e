import type { CompiledProfile } from "../../../src/profiles/binding.ts";
import { makeProfile, place, writeAt } from "../../support/profile-builder.ts";

const float = (address: number) => place(address, { raw: "float32", order: "ABCD" }, { count: 2 });
const word = (address: number) => place(address);

/** A meter with every point that the plant model shows. */
export const METER: CompiledProfile = makeProfile({
  deviceClass: "grid-connection",
  points: [
    "active-power",
    "reactive-power",
    "apparent-power",
    "frequency",
    "voltage.l1",
    "voltage.l2",
    "voltage.l3",
    "current.l1",
    "active-power.l1",
    "energy.forward",
    "energy.reverse",
  ].map((id, index) => ({ id, read: float(index * 2) })),
});

const WATTS = { raw: "int32", order: "ABCD", scale: 1 } as const;

/** Addresses of the battery below. */
export const BESS_AT = {
  power: 0,
  enabled: 2,
  setpoint: 4,
  heartbeat: 6,
  run: 7,
  reset: 8,
  reversion: 9,
} as const;

/** A battery with arming word, heartbeat, reversion time, run command and reset. */
export const BESS: CompiledProfile = makeProfile({
  deviceClass: "bess",
  points: [
    { id: "active-power", read: place(BESS_AT.power, WATTS, { count: 2 }) },
    { id: "active-power-setpoint-enabled", read: word(BESS_AT.enabled) },
    {
      id: "active-power-setpoint",
      read: place(BESS_AT.setpoint, WATTS, { count: 2 }),
      write: writeAt(BESS_AT.setpoint, {
        ...place(BESS_AT.setpoint, WATTS, { count: 2 }),
        before: [{ ...word(BESS_AT.enabled), raw: [1], when: "session" }],
      }),
    },
    {
      id: "controller-heartbeat",
      read: word(BESS_AT.heartbeat),
      write: writeAt(BESS_AT.heartbeat),
    },
    {
      id: "run-command",
      type: "enum",
      texts: ["stop", "start"],
      read: place(BESS_AT.run, {
        codes: new Map([
          [0, 0],
          [1, 1],
        ]),
      }),
      write: writeAt(BESS_AT.run, {
        ...place(BESS_AT.run, {
          codes: new Map([
            [0, 0],
            [1, 1],
          ]),
        }),
      }),
    },
    { id: "alarm-reset", type: "bool", access: "w", write: writeAt(BESS_AT.reset) },
    {
      id: "active-power-setpoint-reversion-time",
      read: word(BESS_AT.reversion),
      write: writeAt(BESS_AT.reversion),
    },
    {
      id: "operating-state",
      type: "enum",
      texts: ["off", "running", "standby", "stopping", "fault"],
      read: place(20, { codes: new Map([0, 1, 2, 3, 4].map((code) => [code, code])) }),
    },
    { id: "state-of-charge", read: place(21, { scale: 0.1 }) },
    { id: "discharge-power-limit", read: place(22, { scale: 1000 }) },
    { id: "charge-power-limit", read: place(23, { scale: 1000 }) },
    { id: "active-power-setpoint-remaining", read: word(24) },
    { id: "x-alarm-bits", read: place(25, { raw: "uint32", order: "ABCD" }, { count: 2 }) },
    { id: "heartbeat", read: word(27) },
    { id: "reactive-power", read: place(28, WATTS, { count: 2 }) },
    {
      id: "storage-state",
      type: "enum",
      texts: ["off", "empty", "discharging", "charging", "full", "holding"],
      read: place(30, { codes: new Map([0, 1, 2, 3, 4, 5].map((code) => [code, code])) }),
    },
  ],
});

export const BESS_NOMINAL = [{ table: "holding", address: BESS_AT.run, words: [1, 0, 3] }] as const;
