import assert from "node:assert/strict";
import { auditLine } from "../../src/store/audit-ledger.ts";
import { delay, eventually, SiteRun } from "../integration/site-run.ts";
import { Subscriber } from "../integration/subscriber.ts";
import { servicesSight } from "./gateway-eye.ts";
import { say } from "./say.ts";

describe("a gateway that starts while its broker is down", function () {
  this.timeout(300_000);

  it("polls and stores, is killed in between, and delivers all of it later", async () => {
    const run = await SiteRun.open("down");
    let north: Subscriber | undefined;
    try {
      await run.startPlant("mean");
      await run.startGateway();
      await delay(10_000);
      for (let kill = 0; kill < 3; kill += 1) {
        const stored = (await servicesSight(run)).store.waitingRows;
        await run.killRole("services");
        await run.startRole("services");
        const kept = (await servicesSight(run)).store.waitingRows;
        say(`kill ${kill + 1}: ${stored} messages waited before, ${kept} after`);
        assert(kept >= stored, "what was stored is still there");
        await delay(4_000);
      }
      const { waitingRows } = (await servicesSight(run)).store;
      await run.startBroker();
      north = await Subscriber.open({
        url: run.brokerUrl,
        version: 5,
        clientId: "north",
        topics: ["tel/#", "evt/#"],
        settles: true,
      });
      await eventually("the outbox is empty", 120_000, async () => {
        const { store, publisher } = await servicesSight(run);
        return publisher.connected && store.waitingRows < 50 ? true : undefined;
      });
      const { ledger } = north;
      await eventually("nothing is missing", 60_000, () =>
        ledger.verdict().lost === 0 && ledger.verdict().received > waitingRows / 2
          ? true
          : undefined,
      );
      const verdict = ledger.verdict();
      say(`${waitingRows} waited; ${auditLine(verdict)}`);
      assert.equal(verdict.lost, 0);
      assert.deepEqual(north.differing, []);
      for (const id of ["pcc-meter", "bess-1", "ups-1", "cdu-8", "env-6", "heat-meter-1"]) {
        const stream = verdict.streams.find((known) => known.stream === id);
        assert.equal(stream?.epochs.length, 1, `${id} has one epoch: nobody killed its producer`);
        assert.equal(stream.epochs[0]?.received, stream.epochs[0]?.last, `${id} from 1 on`);
      }
    } finally {
      await north?.close();
      await run.close();
    }
  });
});
