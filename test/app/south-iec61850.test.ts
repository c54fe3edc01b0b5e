import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { roleFolder } from "../../src/app/role.ts";
import { contextOf } from "../../src/app/site-context.ts";
import { South } from "../../src/app/south.ts";
import { writeReport } from "../../src/app/write-report.ts";
import { linkStatus } from "../../src/app/link-status.ts";
import { parseSite } from "../../src/config/load.ts";
import { GatewayError } from "../../src/domain/errors.ts";
import { pointIndex } from "../../src/domain/point.ts";
import type { AssociateOptions } from "../../src/drivers/iec61850/engine.ts";
import { SystemClock } from "../../src/platform/clock.ts";
import { until } from "../support/until.ts";
import { stationSite, withChain } from "./station-chain.ts";

const NEVER = new AbortController().signal;
const CLOCK = new SystemClock();

describe("devices of IEC 61850 in the field process", function () {
  this.timeout(20_000);

  it("are read by their reports and numbered without a gap", async () => {
    await withChain(async (chain) => {
      await chain.run(async (south) => {
        const relay = chain.simulation.station("relay");
        await until(() => chain.lastOf("relay/position") !== undefined, "a position");
        relay.setState("position", "closed");
        relay.flush();
        await until(() => chain.lastOf("relay/position")?.value === 2, "the position");
        await until(() => chain.lastOf("bess-station/link-up")?.value === 1, "link-up");
        const status = linkStatus(chain.context, south);
        assert.deepEqual(
          status.map(({ connection, errors }) => [connection, errors]),
          [
            ["station", 0],
            ["relay", 0],
          ],
        );
        assert.ok((status[0]?.requests ?? 0) > 0);
      });
      for (const { definition } of chain.context.devices) {
        const seqs = chain.rounds
          .filter(({ stream }) => stream === definition.stream)
          .map(({ seq }) => seq);
        assert.deepEqual(
          seqs,
          seqs.map((_, at) => at + 1),
        );
      }
    });
  });

  it("go bad in time when they are gone, and come back", async () => {
    await withChain(async (chain) => {
      await chain.run(async () => {
        await until(() => chain.lastOf("relay/position")?.quality === 0, "a position");
        assert.equal(
          await chain.simulation.order({ device: "relay", fault: "blackhole" }),
          undefined,
        );
        const cutAt = performance.now();
        await until(() => (chain.lastOf("relay/position")?.quality ?? 0) >= 64, "the loss");
        assert.ok(performance.now() - cutAt <= 3_000);
        assert.equal(chain.lastOf("relay/link-up")?.value, 0);
        assert.equal(await chain.simulation.order({ device: "relay", fault: "none" }), undefined);
        const backAt = performance.now();
        await until(() => chain.lastOf("relay/position")?.quality === 0, "the return");
        assert.ok(performance.now() - backAt <= 2_500);
      });
    });
  });

  it("keep where their reports resume only when the rounds are on disk", async () => {
    await withChain(async (chain) => {
      await chain.run(async (south) => {
        const relay = chain.simulation.station("relay");
        await until(() => chain.lastOf("relay/position") !== undefined, "a position");
        await until(() => {
          relay.setPoint("operation-count", chain.rounds.length);
          relay.flush();
          return chain.rounds.length > 20;
        }, "rounds");
        const stored = chain.rounds.at(-1);
        assert.ok(stored !== undefined);
        const last = new Map(chain.rounds.map(({ stream, seq }) => [stream, seq]));
        south.stored(last);
      });
      const text = readFileSync(chain.stateFile, "utf8");
      const state = JSON.parse(text) as Record<string, Record<string, { block: string }>>;
      assert.equal(state["relay"]?.["position"]?.block, "brcbPos01");
    });
  });

  it("are commanded through the south side; a refusal says the device's cause", async () => {
    await withChain(async (chain) => {
      await chain.run(async (south) => {
        await until(() => chain.lastOf("bess-station/control-location") !== undefined, "values");
        const stream = chain.context.deviceById.get("bess-station")?.definition.stream;
        const index = chain.context.table.indexById.get("bess-station/active-power-setpoint");
        assert.ok(stream !== undefined && index !== undefined);
        const setpoint = {
          point: pointIndex(index),
          value: 2_000_000,
          confirm: "read-back",
        } as const;
        const write = async () => {
          const outcomes = await south.driver(stream)?.write([setpoint], NEVER);
          assert.ok(outcomes?.[0] !== undefined);
          return writeReport(setpoint, outcomes[0]);
        };
        assert.equal((await write()).result, "accepted");
        const order = { device: "bess-station", fault: "refuse-control", code: 10 };
        assert.equal(await chain.simulation.order(order), undefined);
        const refused = await write();
        assert.equal(refused.result, "refused");
        assert.match(refused.reason ?? "", /^DEVICE_EXCEPTION: [a-z-]+$/);
      });
    });
  });
});

describe("connections of IEC 61850 in the site file", () => {
  it("name their certificates as files beside it", () => {
    const text = stationSite({ ports: { station: 3_782, relay: 102 } }).replace(
      "port: 3782 }",
      "tls: { trusted: certs/ca.pem, certificate: certs/gw.pem, key: certs/gw.key } }",
    );
    const parsed = parseSite(text);
    assert.ok("site" in parsed, JSON.stringify(parsed));
    const { station } = parsed.site.connections;
    assert.ok(station?.protocol === "iec61850");
    assert.equal(station.tls?.trusted, "certs/ca.pem");
  });

  it("give the driver what the files hold, and the habitual port", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "dcpi-iec61850-"));
    const asked: AssociateOptions[] = [];
    let closes = 0;
    try {
      for (const [name, text] of [
        ["ca.pem", "CA"],
        ["gw.pem", "CERTIFICATE"],
        ["gw.key", "KEY"],
        ["password", "secret\n"],
      ] as const)
        writeFileSync(path.join(folder, name), text);
      const text = stationSite({ ports: { station: 3_782, relay: 102 } }).replace(
        "port: 3782 }",
        "tls: { trusted: ca.pem, certificate: gw.pem, key: gw.key, serverName: station }, " +
          "passwordFile: password }",
      );
      const parsed = parseSite(text);
      assert.ok("site" in parsed, JSON.stringify(parsed));
      const context = contextOf(parsed.site, path.join(folder, "site.yaml"));
      mkdirSync(roleFolder(context.dataDirectory, "field"), { recursive: true });
      const end = new AbortController();
      const south = new South({
        context,
        role: "field",
        clock: CLOCK,
        random: Math.random,
        engines: {
          engineFor: () => ({
            name: "ts",
            associate: async (options) => {
              asked.push(options);
              return Promise.reject(new GatewayError("LINK_REFUSED"));
            },
          }),
          close: () => {
            closes += 1;
          },
        },
      });
      const running = south.run({ emit: () => undefined, onEvent: () => undefined }, end.signal);
      await until(() => asked.length >= 2, "the associations");
      assert.equal(closes, 0);
      end.abort();
      await running;
      assert.equal(closes, 1, "what ran for the engines is ended with the south side");
    } finally {
      rmSync(folder, { recursive: true });
    }
    const station = asked.find(({ tls }) => tls !== undefined);
    assert.deepEqual(station?.tls, {
      trusted: "CA",
      identity: { certificate: "CERTIFICATE", key: "KEY" },
      serverName: "station",
    });
    assert.equal(station.port, 3_782);
    assert.equal(Buffer.from(station.password ?? []).toString(), "secret");
    assert.equal(asked.find(({ tls }) => tls === undefined)?.password, undefined);
  });

  it("whose certificates cannot be read keep the process from starting, with the file", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "dcpi-iec61850-"));
    try {
      const text = stationSite({ ports: { station: 3_782, relay: 102 } }).replace(
        "port: 3782 }",
        "tls: { trusted: certs/ca.pem } }",
      );
      const parsed = parseSite(text);
      assert.ok("site" in parsed);
      const context = contextOf(parsed.site, path.join(folder, "site.yaml"));
      const south = new South({ context, role: "field", clock: CLOCK, random: Math.random });
      await assert.rejects(
        south.run({ emit: () => undefined, onEvent: () => undefined }, NEVER),
        /FILE_UNREADABLE.*certs\/ca\.pem/s,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
