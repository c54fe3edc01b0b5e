import { strict as assert } from "node:assert";
import { queryAnswers, type QueryParts } from "../../src/app/query-answers.ts";
import type { HistoryPage } from "../../src/store/rows.ts";
import { SimClock } from "../support/sim-clock.ts";

async function eventsOf(ids: readonly number[], more: boolean): Promise<unknown> {
  const rows = ids.map((id) => ({ id, payload: new TextEncoder().encode(`{"n":${id}}`) }));
  const store = { events: async () => Promise.resolve({ rows, more } as unknown as HistoryPage) };
  const parts = { clock: new SimClock(), store } as unknown as QueryParts;
  const answer = queryAnswers(parts).get("events");
  assert.ok(answer !== undefined);
  const signal = new AbortController().signal;
  return answer({ method: "events", params: {}, signal } as unknown as Parameters<
    typeof answer
  >[0]);
}

describe("a page of events", () => {
  it("names its last id, behind which a reader goes on, also when there is no more", async () => {
    assert.deepEqual(await eventsOf([3, 9], false), { messages: [{ n: 3 }, { n: 9 }], last: 9 });
  });

  it("says that there is more", async () => {
    assert.deepEqual(await eventsOf([3], true), { messages: [{ n: 3 }], last: 3, next: 3 });
  });

  it("has neither when it is empty", async () => {
    assert.deepEqual(await eventsOf([], false), { messages: [] });
  });
});
