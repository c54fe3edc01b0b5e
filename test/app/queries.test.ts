import { strict as assert } from "node:assert";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { events, points, status } from "../../src/app/commands/status.ts";
import { DemoFeed } from "../../src/app/demo/feed.ts";
import { EventReader, newestEvents, openQueries } from "../../src/app/queries.ts";
import type { CommandCall } from "../../src/app/terminal.ts";
import { SAMPLE_SITE } from "../../src/config/sample.ts";
import { utcMs } from "../../src/domain/time.ts";
import type { RequestClient } from "../../src/link/request-client.ts";
import { type Answer, RequestServer } from "../../src/link/request-server.ts";
import { socketPath } from "../../src/link/socket-paths.ts";
import { SystemClock } from "../../src/platform/clock.ts";

interface Event {
  readonly id: number;
  readonly timestamp: string;
}

/** Events as services answers them, few to a page. */
class StoreOfEvents {
  readonly events: Event[] = [];
  readonly #pageRows: number;

  constructor(pageRows: number) {
    this.#pageRows = pageRows;
  }

  readonly answer: Answer = async ({ params }) => {
    const { afterId, order, limit } = params as {
      readonly afterId?: number;
      readonly order: string;
      readonly limit?: number;
    };
    const isNewestFirst = order === "newest-first";
    const sorted = isNewestFirst ? [...this.events].reverse() : this.events;
    const behind = sorted.filter(({ id }) => {
      if (afterId === undefined) return true;
      return isNewestFirst ? id < afterId : id > afterId;
    });
    const page = behind.slice(0, Math.min(this.#pageRows, limit ?? this.#pageRows));
    const last = page.at(-1)?.id;
    return Promise.resolve({
      messages: page.map(({ id, timestamp }) => ({ event_id: "trip", text: `${id}`, timestamp })),
      last,
      ...(page.length < behind.length ? { next: last } : {}),
    });
  };
}

describe("questions to a running gateway", () => {
  const clock = new SystemClock();
  let folder: string;
  let site: string;
  let stop: AbortController;
  const clients: RequestClient[] = [];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "ask-"));
    site = path.join(folder, "site.yaml");
    // A profile that cannot be loaded: a question does not need it.
    const text = SAMPLE_SITE.replace("janitza/umg604", "janitza/none");
    writeFileSync(site, `runtimeDirectory: ${folder}\n${text}`);
    stop = new AbortController();
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
    stop.abort();
    rmSync(folder, { recursive: true, force: true });
  });

  async function serve(methods: Readonly<Record<string, Answer>>): Promise<void> {
    const server = new RequestServer({
      socketPath: socketPath(folder, "services/queries"),
      methods: new Map(Object.entries(methods)),
    });
    await server.listen(stop.signal);
  }
  function client(): RequestClient {
    const opened = openQueries({ runtimeDirectory: folder, purpose: "services/queries", clock });
    clients.push(opened);
    return opened;
  }
  function call(options: CommandCall["options"] = {}): { call: CommandCall; lines: string[] } {
    const lines: string[] = [];
    const terminal = {
      out: (line: string) => lines.push(line),
      err: (line: string) => lines.push(line),
      draw: () => undefined,
      screen: undefined,
      hasColour: false,
    };
    const all = { config: site, ...options };
    return { call: { positionals: [], options: all, terminal, signal: stop.signal }, lines };
  }

  it("need the site file for the folder of the sockets, not the profiles", async () => {
    const { call: asked, lines } = call();
    assert.equal(await status(asked), 3);
    assert.deepEqual(lines, ["services   does not answer", "control    does not answer"]);
  });

  it("read the site file once for all pages of points", async () => {
    await serve({
      points: async ({ params }) => {
        rmSync(site, { force: true });
        const { from } = params as { readonly from: number };
        const answer = { id: `p-${from}`, value: 1, quality: "good", ageMs: 1 };
        return Promise.resolve(from < 3 ? [answer] : []);
      },
    });
    const { call: asked, lines } = call({ json: true });
    assert.equal(await points(asked), 0);
    assert.equal(lines.length, 3);
    assert.ok(!existsSync(site));
  });

  it("tell of each event whose it is, once", async () => {
    const at = "2026-01-01T00:00:00.000Z";
    const event = (device: string | null, point: string | null, text: string): object => {
      const facts = { severity: "warning", phase: "raised", event_id: "e" };
      return { timestamp: at, ...facts, device, point, text };
    };
    const messages = [
      event("cdu-3", null, "a pump moves nothing while the others do"),
      event("cdu-3", "flow", "it stands still"),
      event("cdu-3", "flow", "cdu-3 is silent"),
      event(null, null, "nobody's"),
    ];
    await serve({ events: async () => Promise.resolve({ messages }) });
    const { call: asked, lines } = call({});
    assert.equal(await events(asked), 0);
    const head = `${at}  warning  raised  e  `;
    assert.deepEqual(lines.sort(), [
      `${head}cdu-3 is silent`,
      `${head}cdu-3/flow: it stands still`,
      `${head}cdu-3: a pump moves nothing while the others do`,
      `${head}nobody's`,
    ]);
  });

  it("refuse a number of events that is none", async () => {
    await assert.rejects(events(call({ last: "x" }).call), {
      code: "CONFIG_INVALID",
      context: { option: "--last", reason: "it takes a number, nought or more" },
    });
  });

  it("bring the newest events oldest first, over as many pages as they take", async () => {
    const store = new StoreOfEvents(2);
    for (let id = 1; id <= 9; id++)
      store.events.push({ id, timestamp: "2026-01-01T00:00:00.000Z" });
    await serve({ events: store.answer });
    const newest = await newestEvents(client(), 5);
    assert.deepEqual(
      newest.map(({ text }) => text),
      ["5", "6", "7", "8", "9"],
    );
  });

  it("bring every event once, however many have the same millisecond", async () => {
    const store = new StoreOfEvents(50);
    await serve({ events: store.answer });
    const reader = new EventReader(client(), utcMs(0));
    const seen: unknown[] = [];
    const add = (count: number): void => {
      for (let at = 0; at < count; at++)
        store.events.push({ id: store.events.length + 1, timestamp: "2026-01-01T00:00:00.000Z" });
    };
    for (const count of [3, 0, 130, 1]) {
      add(count);
      seen.push(...(await reader.next()).map(({ text }) => text));
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 134 }, (_, at) => `${at + 1}`),
    );
  });

  it("feed the demonstration with every event, and its picture with the newest first", async () => {
    const store = new StoreOfEvents(50);
    const { storeFigures, publisher, pipe } = demoStatus();
    await serve({
      events: store.answer,
      points: async () => Promise.resolve([]),
      links: async () => Promise.resolve([]),
      status: async () => Promise.resolve({ store: storeFigures, publisher, pipe }),
    });
    const feed = new DemoFeed(
      { services: client(), control: client(), field: client() },
      { mqttPort: 1, clock },
    );
    for (let id = 1; id <= 60; id++)
      store.events.push({ id, timestamp: "2026-01-01T00:00:00.000Z" });
    await feed.refresh();
    store.events.push({ id: 61, timestamp: "2026-01-01T00:00:00.000Z" });
    await feed.refresh();
    assert.equal(feed.takeFresh().length, 61);
    assert.deepEqual(feed.summary(1).events, { trip: 61 });
    assert.deepEqual(
      feed
        .state({ title: "", elapsedS: 0, selectedUnit: 0 })
        ?.events.slice(0, 2)
        .map(({ text }) => text),
      ["61", "60"],
    );
  });
});

function demoStatus() {
  return {
    storeFigures: { waitingRows: 0, lostRowsByClass: [0], sentRows: 0 },
    publisher: { acked: 0, connected: true, liveRatePerS: 0 },
    pipe: { values: 0 },
  };
}
