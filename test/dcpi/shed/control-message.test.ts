import { strict as assert } from "node:assert";
import { controlMessage, controlTopic } from "../../../src/dcpi/shed/control-message.ts";
import type { ShedMessage } from "../../../src/dcpi/shed/ladder-state.ts";
import { ALL, type ShedOrder, type WorkloadSight } from "../../../src/dcpi/shed/orders.ts";
import { monotonicMs, utcMs } from "../../../src/domain/time.ts";
import { MW, sightOf } from "./workloads.ts";

const WHEN = utcMs(Date.UTC(2026, 0, 1));
const DEADLINE = utcMs(WHEN + 15_000);
const SHED = {
  zone: "cdu-3",
  powerW: 2 * MW,
  cause: "leak-confirmed",
  sinceUtc: WHEN,
  isLatched: true,
};

function order(sight: WorkloadSight, demand: Partial<ShedOrder>): ShedMessage {
  return {
    kind: "order",
    shed: SHED,
    order: {
      id: "shed-cdu-3-x-1",
      zone: "cdu-3",
      workload: sight.workload,
      sight,
      action: "throttle",
      targetW: 3 * MW,
      savesW: 2 * MW,
      progress: "waiting",
      madeAt: monotonicMs(0),
      saidAt: undefined,
      deadlineAt: undefined,
      repeats: 0,
      wasSaid: false,
      ...demand,
    },
  };
}

function resume(sight: WorkloadSight): ShedMessage {
  return {
    kind: "resume",
    resume: {
      id: "shed-cdu-3-x-2",
      zone: "cdu-3",
      cause: "leak-confirmed",
      workload: sight.workload,
      sight,
      since: monotonicMs(0),
      saidAt: undefined,
      left: 3,
    },
  };
}

function encoded(message: ShedMessage): object {
  const deadline = message.kind === "order" ? DEADLINE : undefined;
  const speaker = { facility: "hall-1", gateway: "gw-1" };
  const bytes = controlMessage({ speaker, when: WHEN, deadline }, message);
  return JSON.parse(new TextDecoder().decode(bytes)) as object;
}

const head = (workload: string, correlation = "shed-cdu-3-x-1") => ({
  message_type: "workload_control",
  timestamp: "2026-01-01T00:00:00.000Z",
  facility_id: "hall-1",
  gateway_id: "gw-1",
  correlation_id: correlation,
  workload_id: workload,
  zone_id: "cdu-3",
  cause: "leak-confirmed",
});
const deadline = "2026-01-01T00:00:15.000Z";
const reason = "thermal_protection";

describe("the message to who runs a workload", () => {
  const dcpi = sightOf("job-1", 5, { rampWPerS: MW, pauseMaxMs: 900_500 });
  const pswd = sightOf("wl_1", 5, { dialect: "pswd", rampWPerS: MW, pauseMaxMs: 900_500 });

  it("throttles in both dialects", () => {
    assert.deepEqual(encoded(order(dcpi, {})), {
      dcpi_version: "1.0",
      ...head("job-1"),
      action: "throttle",
      parameters: { target_power_mw: 3, ramp_rate_mw_per_sec: 1, reason },
      deadline,
    });
    assert.deepEqual(encoded(order(pswd, {})), {
      PSWD_version: "1.0",
      ...head("wl_1"),
      command_type: "throttle",
      target_power_mw: 3,
      ramp_rate_mw_per_sec: 1,
      reason,
      deadline,
    });
  });

  it("pauses, for whole seconds that the workload itself has named", () => {
    const pause = { action: "pause", targetW: 0 } as const;
    const demanded = { target_power_mw: 0, ramp_rate_mw_per_sec: 1, pause_duration_sec: 900 };
    assert.deepEqual(encoded(order(dcpi, pause)), {
      dcpi_version: "1.0",
      ...head("job-1"),
      action: "pause",
      parameters: { ...demanded, reason },
      deadline,
    });
    assert.deepEqual(encoded(order(pswd, pause)), {
      PSWD_version: "1.0",
      ...head("wl_1"),
      command_type: "pause",
      ...demanded,
      reason,
      deadline,
    });
  });

  it("leaves out the ramp and the time that the workload has not named", () => {
    const bare = sightOf("job-2", 5);
    const { parameters } = encoded(order(bare, { action: "pause", targetW: 0 })) as {
      readonly parameters: object;
    };
    assert.deepEqual(parameters, { target_power_mw: 0, reason });
  });

  it("names to all how much has to go from which zone", () => {
    const message = encoded(order(sightOf(ALL, 5), {}));
    assert.deepEqual(message, {
      dcpi_version: "1.0",
      ...head("all"),
      action: "throttle",
      parameters: { reduction_mw: 2, reason },
      deadline,
    });
    assert.equal(controlTopic(ALL), "workload/all/control");
  });

  it("lets load come back, without a deadline", () => {
    assert.deepEqual(encoded(resume(dcpi)), {
      dcpi_version: "1.0",
      ...head("job-1", "shed-cdu-3-x-2"),
      action: "resume",
      parameters: { reason },
    });
    assert.deepEqual(encoded(resume(pswd)), {
      PSWD_version: "1.0",
      ...head("wl_1", "shed-cdu-3-x-2"),
      command_type: "resume",
      reason,
    });
  });
});
