import assert from "node:assert/strict";
import { auditLine } from "../../src/store/audit-ledger.ts";
import { openSite } from "../integration/open-site.ts";
import { delay, eventually, type RoleName, type SiteRun } from "../integration/site-run.ts";
import type { Subscriber } from "../integration/subscriber.ts";
import { seeded } from "../support/plant-random.ts";
import { ifThere, servicesSight } from "./gateway-eye.ts";
import { say } from "./say.ts";

const KILLS = 50;
const SHORTEST_MS = 300;
const LONGEST_MS = 3_000;

async function openAll(name: string): Promise<[SiteRun, Subscriber]> {
  return openSite(name, {
    load: "training-1hz",
    topics: ["tel/#", "evt/#"],
    settles: true,
    ready: ({ topic }) => topic === "tel/env-6",
  });
}

/** Stops the producers and waits until the consumer has what they made. */
async function settle(run: SiteRun, north: Subscriber): Promise<void> {
  await delay(5_000);
  await run.roles.get("field")?.kill("SIGTERM");
  await run.roles.get("control")?.kill("SIGTERM");
  await eventually("the outbox is empty", 120_000, async () => {
    const sight = await ifThere(servicesSight(run));
    const isEmpty = sight?.publisher.connected === true && sight.store.waitingRows <= 5;
    return isEmpty ? true : undefined;
  });
  await eventually("nothing is missing", 60_000, () =>
    north.ledger.verdict().lost === 0 ? true : undefined,
  ).catch(() => undefined);
}

function judge(north: Subscriber, what: string): void {
  const verdict = north.ledger.verdict();
  say(`${what}: ${auditLine(verdict)}`);
  for (const { stream, epochs } of verdict.streams)
    for (const { epoch, lost, missing } of epochs)
      if (lost > 0) say(`${stream} epoch ${epoch}: ${JSON.stringify(missing)}`);
  assert.equal(verdict.lost, 0);
  assert.equal(verdict.notFollowed, 0);
  assert.deepEqual(north.differing, [], "the same identity is the same message");
}

/** Ready or not: one in five is killed while it starts. */
async function killAgain(run: SiteRun, name: RoleName, random: () => number): Promise<void> {
  const isEarly = random() < 0.2;
  if (!isEarly) await run.roles.get(name)?.line(/"event":"started"/, 30_000);
  await delay(SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS));
  await run.killRole(name);
  run.launchRole(name);
}

describe(`${KILLS} times kill -9`, function () {
  this.timeout(900_000);

  it("of services: no round is lost, and every duplicate is the same message", async () => {
    const [run, north] = await openAll("kills");
    try {
      const random = seeded(1);
      for (let kill = 0; kill < KILLS; kill += 1) await killAgain(run, "services", random);
      await settle(run, north);
      judge(north, "services");
      const told = north.got.filter(({ body }) => body["event_id"] === "rounds-lost");
      assert.deepEqual(told, [], "nobody tells of a loss");
    } finally {
      await north.close();
      await run.close();
    }
  });

  it("of the broker: no round is lost, and every duplicate is the same message", async () => {
    const [run, north] = await openAll("killb");
    try {
      const random = seeded(2);
      for (let kill = 0; kill < KILLS; kill += 1) {
        await delay(SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS));
        await run.killBroker();
        await run.startBroker();
      }
      await settle(run, north);
      judge(north, "broker");
    } finally {
      await north.close();
      await run.close();
    }
  });

  for (const [name, stream] of [
    ["field", "ups-1"],
    ["control", "pcc-meter"],
  ] as const)
    it(`of ${name}: no gap within an epoch, and every new epoch is told`, async () => {
      const [run, north] = await openAll(`kill${name.slice(0, 1)}`);
      try {
        const random = seeded(name.length);
        for (let kill = 0; kill < KILLS; kill += 1) await killAgain(run, name, random);
        await run.roles.get(name)?.line(/"event":"started"/, 30_000);
        await settle(run, north);
        judge(north, name);
        const { streams } = north.ledger.verdict();
        const epochs = streams.find((verdict) => verdict.stream === stream)?.epochs ?? [];
        const told = north.got.filter(
          ({ body }) =>
            body["event_id"] === "producer-restarted" && String(body["text"]).startsWith(name),
        );
        say(`${name}: ${epochs.length} epochs seen, ${told.length} restarts told`);
        assert(epochs.length > KILLS / 2, "most runs were long enough to be seen");
        for (const { epoch } of epochs.slice(1))
          assert(
            told.some(({ body }) => String(body["text"]).includes(`(epoch ${epoch})`)),
            `the start of epoch ${epoch} is told`,
          );
      } finally {
        await north.close();
        await run.close();
      }
    });
});
