import { strict as assert } from "node:assert";
import { ALARM_LIMITS } from "../../src/alarms/limits.ts";
import { SERVICES_PATIENCE_MS } from "../../src/app/alarm-desk.ts";
import { AlarmFeed } from "../../src/app/alarm-feed.ts";
import {
  LOOK_MS,
  ofServices,
  ONCE_STANDS_MS,
  PATIENCE_MS,
  ServicesAlarms,
} from "../../src/app/services-alarms.ts";
import { reportEvents } from "../../src/app/services-events.ts";
import { SEVERITIES } from "../../src/domain/alarms/severities.ts";
import type { PlantEvent } from "../../src/domain/event.ts";
import type { Producer } from "../../src/domain/point.ts";
import { utcMs } from "../../src/domain/time.ts";
import { event, linked } from "./desk-bench.ts";

const SERVICES = "gateway-services";

/** What services finds at a moment that the test says, and what it tells of it. */
class Bench {
  readonly told: PlantEvent[] = [];
  readonly alarms = new ServicesAlarms((told) => this.told.push(told));
  readonly links = new Map<Producer, boolean>([
    ["control", true],
    ["field", true],
  ]);
  isUpstream = true;
  now = 0;

  pass(ms: number): this {
    for (const until = this.now + ms; this.now < until;) {
      this.now += LOOK_MS;
      const { now, isUpstream, links } = this;
      this.alarms.look({ now, utc: utcMs(now), isUpstream, links });
    }
    return this;
  }

  take(id: string, severity: PlantEvent["severity"] = "warning", text = id): this {
    const at = utcMs(this.now);
    const told = event(id, { severity, phase: "once", device: undefined, text, at });
    this.alarms.take(told, this.now);
    return this;
  }

  get words(): readonly string[] {
    return this.told.map(({ id, phase, device }) => `${id} ${phase} ${device ?? ""}`);
  }
}

describe("what services tells of itself", () => {
  it("is that no broker is there, after some patience, once, until one is", () => {
    const bench = new Bench();
    bench.pass(60_000);
    bench.isUpstream = false;
    bench.pass(PATIENCE_MS);
    assert.equal(bench.told.length, 0);
    bench.pass(3_600_000);
    assert.deepEqual(bench.words, [`upstream-lost raised ${SERVICES}`]);
    const [raised] = bench.told;
    assert.match(raised?.text ?? "", /since 1970-01-01T00:01:01/);
    bench.isUpstream = true;
    bench.pass(LOOK_MS);
    assert.deepEqual(bench.words.slice(1), [`upstream-lost cleared ${SERVICES}`]);
  });

  it("is not a link that comes and goes within its patience", () => {
    const bench = new Bench();
    for (let turn = 0; turn < 20; turn += 1) {
      bench.isUpstream = turn % 2 === 0;
      bench.pass(PATIENCE_MS - LOOK_MS);
    }
    assert.deepEqual(bench.told, []);
  });

  it("is told again by one that was restarted before the board takes it for over", () => {
    assert.ok(PATIENCE_MS + LOOK_MS + 10_000 < ALARM_LIMITS.reconfirmMs);
  });

  it("is a process that is not heard, each by itself", () => {
    const bench = new Bench();
    bench.links.set("field", false);
    bench.links.delete("control");
    bench.pass(PATIENCE_MS + LOOK_MS);
    const lost = ["control", "field"].map((role) => `producer-not-heard raised gateway-${role}`);
    assert.deepEqual(bench.words, lost);
    bench.links.set("control", true);
    bench.pass(LOOK_MS);
    assert.deepEqual(bench.words.slice(2), ["producer-not-heard cleared gateway-control"]);
  });

  it("is the store's level, with its last words, until it is normal", () => {
    const bench = new Bench();
    for (const [level, usedShare] of [
      ["warning", 0.72],
      ["evicting", 0.81],
      ["normal", 0.5],
    ] as const)
      for (const told of reportEvents({ kind: "level", level, usedShare }, utcMs(0)))
        bench.alarms.take(told, bench.now);
    assert.deepEqual(
      bench.told.map(({ phase, text }) => `${phase}: ${text}`),
      [
        "raised: the store is 72 % full: warning",
        "raised: the store is 81 % full: evicting",
        "cleared: the store is 50 % full: normal",
      ],
    );
  });

  it("is what happened once, for a while after the last time", () => {
    const bench = new Bench();
    bench.take("rounds-lost", "critical", "first").pass(ONCE_STANDS_MS - LOOK_MS);
    bench.take("rounds-lost", "critical", "second").pass(ONCE_STANDS_MS - LOOK_MS);
    assert.deepEqual(
      bench.told.map(({ phase, text }) => `${phase}: ${text}`),
      ["raised: first", "raised: second"],
    );
    bench.pass(LOOK_MS);
    assert.equal(bench.told.at(-1)?.phase, "cleared");
    bench.pass(ONCE_STANDS_MS);
    assert.equal(bench.told.length, 3, "its end is told once");
  });

  it("is nothing else, and no word that moves a terminal", () => {
    const own = event("rounds-lost", { device: SERVICES });
    assert.equal(ofServices(own)?.severity, "critical");
    assert.equal(ofServices({ ...own, severity: "trip" })?.severity, "critical");
    assert.equal(ofServices({ ...own, text: "a\u001b[2Jb\n" })?.text, "a [2Jb ");
    assert.equal(ofServices({ ...own, point: "p" })?.point, undefined);
    assert.equal(ofServices({ ...own, phase: "once" }), undefined);
    assert.equal(ofServices({ ...own, device: "bess-1" }), undefined);
    assert.equal(ofServices({ ...own, device: undefined }), undefined);
    const foreign = [...SEVERITIES.trip, "services-gone", "alarm-flood", "constructor"];
    for (const id of foreign) assert.equal(ofServices({ ...own, id }), undefined, id);
  });
});

describe("services on the alarm board", () => {
  /** Services with a board that asks it, as it runs. */
  function running() {
    const { bench, link, close, restartControl } = linked("services");
    let alarms = new ServicesAlarms((told) => {
      link.field.take(told);
    });
    const sight = { isUpstream: true, links: new Map<Producer, boolean>() };
    sight.links.set("control", true).set("field", true);
    const pass = async (seconds: number) => {
      for (let second = 0; second < seconds; second += 1) {
        await bench.pass(1);
        if (!link.isCut)
          alarms.look({ now: bench.clock.now(), utc: bench.clock.utcNow(), ...sight });
      }
    };
    const listed = async () =>
      (await bench.list()).alarms.map(({ id, state, asOf }) =>
        [id, state, ...(asOf === undefined ? [] : ["as last known"])].join(" "),
      );
    let epoch = 1;
    const restartServices = () => {
      epoch += 1;
      link.field = new AlarmFeed(bench.clock, epoch);
      link.isCut = false;
      alarms = new ServicesAlarms((told) => {
        link.field.take(told);
      });
    };
    const once = (id: string) => {
      alarms.take(event(id, { phase: "once", device: undefined }), bench.clock.now());
    };
    return { bench, link, close, sight, pass, listed, restartControl, restartServices, once };
  }

  it("stands, is acknowledged and shelved as any other", async () => {
    const { bench, close, sight, pass, listed } = running();
    await pass(5);
    sight.isUpstream = false;
    await pass(35);
    assert.deepEqual(await listed(), ["upstream-lost unacknowledged"]);
    assert.equal((await bench.list()).calls.at(-1)?.id, "upstream-lost");
    await bench.ask("ack", { id: "upstream-lost", by: "anna" });
    assert.deepEqual(await listed(), ["upstream-lost acknowledged"]);
    const shelf = { id: "upstream-lost", device: SERVICES, by: "anna", reason: "moved" };
    const shelved = await bench.ask("shelve", { ...shelf, forMs: 3_600_000 });
    assert.equal(shelved.result, "done");
    assert.deepEqual(await listed(), ["upstream-lost shelved"]);
    await bench.ask("unshelve", shelf);
    sight.isUpstream = true;
    await pass(60);
    assert.deepEqual(
      (await listed()).filter((line) => !line.includes("returned")),
      [],
    );
    await close();
  });

  it("is known again, with its acknowledgement, by a control that was restarted", async () => {
    const { bench, close, sight, pass, listed, restartControl, once } = running();
    sight.isUpstream = false;
    once("rounds-lost");
    await pass(40);
    await bench.ask("ack", { id: "upstream-lost", by: "anna" });
    await pass(1);
    await restartControl();
    assert.deepEqual(await listed(), []);
    await pass(3);
    assert.deepEqual(await listed(), ["rounds-lost unacknowledged", "upstream-lost acknowledged"]);
    await close();
  });

  it("leaves no ghost when services was restarted, and loses nothing that stands", async () => {
    const { close, sight, pass, listed, restartServices, once } = running();
    sight.isUpstream = false;
    once("store-level");
    await pass(40);
    assert.deepEqual(await listed(), [
      "store-level unacknowledged",
      "upstream-lost unacknowledged",
    ]);
    restartServices();
    await pass(100);
    assert.deepEqual(await listed(), ["upstream-lost unacknowledged", "store-level returned"]);
    await close();
  });

  it("is one alarm when services is dead: what it had told is as last known", async () => {
    const { bench, link, close, sight, pass, listed, restartServices } = running();
    sight.isUpstream = false;
    await pass(40);
    link.isCut = true;
    await pass(SERVICES_PATIENCE_MS / 1_000 - 2);
    assert.deepEqual(await listed(), ["upstream-lost unacknowledged as last known"]);
    await pass(5);
    const known = ["services-gone unacknowledged", "upstream-lost suppressed as last known"];
    assert.deepEqual(await listed(), known);
    await pass(300);
    assert.deepEqual(await listed(), known);
    const phases = () =>
      bench.told.filter(({ id }) => id === "services-gone").map(({ phase }) => phase);
    assert.deepEqual(phases(), ["raised"], "said once");
    assert.equal((await bench.list()).services.state, "lost");
    sight.isUpstream = true;
    restartServices();
    await pass(100);
    assert.deepEqual(phases(), ["raised", "cleared"]);
    assert.deepEqual(
      (await listed()).filter((line) => !line.includes("returned")),
      [],
    );
    await close();
  });

  it("does not tell a services that is restarted in time as gone", async () => {
    const { link, close, pass, listed, restartServices } = running();
    await pass(5);
    for (let turn = 0; turn < 3; turn += 1) {
      link.isCut = true;
      await pass(SERVICES_PATIENCE_MS / 1_000 - 5);
      restartServices();
      await pass(10);
    }
    assert.deepEqual(await listed(), []);
    await close();
  });

  it("cannot begin or end what is not its own", async () => {
    const { bench, link, close, pass, listed } = running();
    bench.desk.take(event("pcs-fault"));
    await pass(1);
    for (const phase of ["cleared", "raised"] as const) {
      link.field.take(event("pcs-fault", { phase }));
      link.field.take(event("emergency-stop", { phase, severity: "trip" }));
      await pass(10);
    }
    assert.deepEqual(await listed(), ["pcs-fault unacknowledged"]);
    await close();
  });

  it("is nothing that control's own alarms wait for", async () => {
    const { bench, link, close, pass, listed } = running();
    link.isCut = true;
    await pass(1);
    bench.desk.take(event("emergency-stop", { severity: "trip" }));
    assert.deepEqual(await listed(), ["emergency-stop unacknowledged"]);
    await close();
  });
});
