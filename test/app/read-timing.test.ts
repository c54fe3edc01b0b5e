import { strict as assert } from "node:assert";
import { readFigures, readTiming } from "../../src/app/read-timing.ts";
import { deviceId, type DeviceDefinition, streamId } from "../../src/domain/point.ts";
import type { DriverCounters } from "../../src/drivers/modbus/driver.ts";

const COUNTERS: DriverCounters = {
  polls: 100,
  overruns: 0,
  timeouts: 0,
  exceptions: 0,
  requestsPerRound: 1,
  roundTripP50Ms: 1,
  roundTripP99Ms: 2,
  duty: 0,
  alignedRounds: 90,
  lateRounds: 4,
  roundP50Ms: 1.5,
  roundP99Ms: 2.5,
  keepAliveBeats: 0,
  keepAliveRefused: 0,
};

function definition(id: string, stream: number): DeviceDefinition {
  return {
    id: deviceId(id),
    stream: streamId(stream),
    deviceClass: "power-meter",
    profile: "x/y",
    producer: "control",
    firstPoint: 0,
    pointCount: 1,
  };
}

/** A side with one driver for each lead; undefined: its driver is not yet there. */
function southOf(leadsMs: readonly (number | undefined)[]) {
  return {
    devices: leadsMs.map((_lead, at) => ({ definition: definition(`device-${at}`, at) })),
    driver: (stream: number) => {
      const leadMs = leadsMs[stream];
      return leadMs === undefined
        ? undefined
        : { leadMs, counters: COUNTERS, phase: leadMs === 5 ? ("locked" as const) : undefined };
    },
  };
}

describe("read timing", () => {
  it("tells of the devices that a cycle waits for, and of no other", () => {
    const timing = readTiming(southOf([3, 0, undefined]));
    assert.deepEqual(timing, [
      {
        device: "device-0",
        leadMs: 3,
        roundP50Ms: 1.5,
        roundP99Ms: 2.5,
        rounds: 90,
        late: 4,
        phase: undefined,
      },
    ]);
  });

  it("sums up in seconds: the longest lead, all late rounds", () => {
    assert.deepEqual(readFigures(southOf([3, 5])), {
      "x-read-lead": 0.005,
      "x-reads-late": 8,
      "x-meter-locked": 1,
    });
    assert.deepEqual(readFigures(southOf([])), {
      "x-read-lead": 0,
      "x-reads-late": 0,
      "x-meter-locked": 0,
    });
  });
});
