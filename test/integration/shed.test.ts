import assert from "node:assert/strict";
import { startDemoBroker } from "../../src/app/demo-broker.ts";
import { formatUtc } from "../../src/dcpi/timestamp.ts";
import { utcMs } from "../../src/domain/time.ts";
import { withThermal } from "../support/thermal-site.ts";
import { eventually, SiteRun } from "./site-run.ts";
import { type Got, Subscriber } from "./subscriber.ts";

const START_MS = 180_000;
const SOON_MS = 30_000;
/** From what control asks for to what leaves for the workload. */
const ASKED_WITHIN_MS = 1_000;

interface Sheds {
  readonly sheds: {
    readonly orders: readonly { readonly workload: string; readonly progress: string }[];
  };
}

describe("a leak, from the ropes of a zone to who runs the workload and back", function () {
  this.timeout(SOON_MS * 3);
  const broker = new AbortController();
  let run: SiteRun;
  let north: Subscriber;
  let stopped: Promise<void>;

  before(async function () {
    this.timeout(START_MS);
    const started = await startDemoBroker({ port: 0 }, broker.signal);
    stopped = started.stopped;
    run = await SiteRun.open("shed", withThermal, started.port);
    north = await Subscriber.open({
      url: run.brokerUrl,
      version: 4,
      clientId: "north",
      topics: ["status", "evt/#", "rsp/#", "workload/#"],
    });
    await run.startPlant("mean");
    await run.startGateway();
    await north.wait("the gateway is there", SOON_MS, isOnline);
  });

  after(async () => {
    await north.close();
    await run.close();
    broker.abort();
    await stopped;
  });

  function isOnline({ topic, body }: Got): boolean {
    return topic === "status" && body["status"] === "online";
  }

  function isAbout(event: string, { topic, body }: Got): boolean {
    return topic === "evt/critical" && body["event_id"] === event && body["device"] === "cdu-5";
  }

  async function announce(workload: string, members: object): Promise<void> {
    const earlier = formatUtc(utcMs(Date.now() - 60_000));
    await north.publish("cmd/workload/announce", {
      dcpi_version: "1.0",
      message_type: "workload_announcement",
      timestamp: formatUtc(utcMs(Date.now())),
      workload_id: workload,
      power_profile: {
        peak_power_mw: 0.4,
        baseline_power_mw: 0.1,
        power_schedule: [{ timestamp: earlier, power_mw: 0.4 }],
      },
      ...members,
    });
    await north.wait(
      `an answer to ${workload}`,
      SOON_MS,
      ({ topic }) => topic === `rsp/${workload}`,
    );
  }

  async function progress(workload: string): Promise<string | undefined> {
    const { out } = await run.command("status", "--json");
    const { services } = JSON.parse(out) as { readonly services: Sheds | null };
    return services?.sheds.orders.find((order) => order.workload === workload)?.progress;
  }

  const orders = (workload: string): readonly Got[] => north.on(`workload/${workload}/control`);
  const timeOf = ({ body }: Got): number => Date.parse(String(body["timestamp"]));

  it("asks the workloads that are known, and all for what they cannot give, in a second", async () => {
    await announce("job-1", { flexibility: { can_throttle: true, min_power_mw: 0.2 } });
    await announce("job-2", { flexibility: { can_pause: true }, priority: "high" });
    run.order({ leak: "cdu-5", litresPerMin: 400 });
    const asked = await north.wait("load is asked to go", SOON_MS, (got) =>
      isAbout("shed-requested", got),
    );
    const [first, second, all] = await Promise.all(
      ["job-1", "job-2", "all"].map(async (workload) =>
        eventually(`${workload} is asked`, SOON_MS, () => orders(workload)[0]),
      ),
    );
    assert(first !== undefined && second !== undefined && all !== undefined);
    for (const said of [first, second, all]) {
      const lateMs = timeOf(said) - timeOf(asked);
      assert.ok(lateMs <= ASKED_WITHIN_MS, `${said.topic} after ${lateMs} ms`);
      assert.deepEqual(
        [said.body["zone_id"], said.body["message_type"], said.isRetained],
        ["cdu-5", "workload_control", false],
      );
    }
    const reason = "thermal_protection";
    assert.deepEqual(
      [first.body["action"], first.body["parameters"]],
      ["throttle", { target_power_mw: 0.2, reason }],
    );
    assert.deepEqual(
      [second.body["action"], second.body["parameters"]],
      ["pause", { target_power_mw: 0, reason }],
    );
    const rest = all.body["parameters"] as Readonly<Record<string, number>>;
    assert.ok((rest["reduction_mw"] ?? 0) > 0.1, JSON.stringify(rest));
  });

  it("takes a workload's word for it", async () => {
    await north.publish("cmd/workload/status", {
      dcpi_version: "1.0",
      timestamp: formatUtc(utcMs(Date.now())),
      workload_id: "job-1",
      current_status: "throttled",
      current_power_mw: 0.2,
    });
    await eventually("job-1 is confirmed", SOON_MS, async () =>
      (await progress("job-1")) === "confirmed" ? true : undefined,
    );
  });

  it("says what is not confirmed, and to a person at the box, too", async () => {
    const { body } = await north.wait("the alarm", SOON_MS * 2, (got) =>
      isAbout("shed-unconfirmed", got),
    );
    assert.match(JSON.stringify(body), /asked of all/);
    const { out } = await run.command("alarms", "--json");
    assert.match(out, /"shed-unconfirmed"/);
  });

  it("asks again after a kill -9 of services, although nobody has announced anything anew", async () => {
    await run.killRole("services");
    const before = orders("job-2").length;
    await run.startRole("services");
    const again = await eventually("job-2 is asked again", SOON_MS, () => orders("job-2")[before]);
    assert.equal(again.body["action"], "pause");
  });

  it("stands over a kill -9 of control, and takes nothing back", async () => {
    await run.killRole("control");
    await run.startRole("control");
    const before = orders("all").length;
    await eventually("all are asked again", SOON_MS * 2, () => orders("all")[before]);
    const resumed = [...orders("job-1"), ...orders("job-2"), ...orders("all")].filter(
      ({ body }) => body["action"] === "resume",
    );
    assert.deepEqual(resumed, []);
  });
});
