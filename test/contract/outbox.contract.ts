import { strict as assert } from "node:assert";
import { utcMs } from "../../src/domain/time.ts";
import type {
  BacklogQuery,
  NewFrame,
  NewRow,
  ResumeMark,
  RowClass,
  RowProducer,
  StoredRow,
} from "../../src/store/rows.ts";

/** What the publisher and the consumer of the link need of a store. */
export interface Outbox {
  nextId(): number;
  appendFrame(frame: NewFrame): Promise<void>;
  resumeMarks(): ReadonlyMap<RowProducer, ResumeMark>;
  markSent(ids: readonly number[]): void;
  takeBacklog(query: BacklogQuery): Promise<readonly StoredRow[]>;
  close(): Promise<void>;
}

/** One directory, over which outboxes are opened one after the other. */
export interface OutboxPlace {
  open(): Promise<Outbox>;
}

/** What every outbox does (security.md G1–G3), whatever it is made of. */
export function outboxContract(name: string, newPlace: () => OutboxPlace): void {
  describe(`outbox contract: ${name}`, function () {
    this.timeout(20_000);
    const opened: Outbox[] = [];
    const open = async (place: OutboxPlace): Promise<Outbox> => {
      const outbox = await place.open();
      opened.push(outbox);
      return outbox;
    };
    afterEach(async () => {
      for (const outbox of opened.splice(0)) await outbox.close();
    });

    it("hands out every row that was stored, in order, until it is marked sent", async () => {
      const outbox = await open(newPlace());
      const ids = await fill(outbox, { frames: 5, rows: 4 });
      assert.deepEqual(await waiting(outbox), ids);
      outbox.markSent(ids.slice(0, 7));
      assert.deepEqual(await waiting(outbox), ids.slice(7));
    });

    it("keeps rows, sent marks and resume marks over a restart", async () => {
      const place = newPlace();
      const first = await open(place);
      const ids = await fill(first, { frames: 3, rows: 4 });
      first.markSent(ids.slice(0, 5));
      await first.close();
      const second = await open(place);
      assert.deepEqual(await waiting(second), ids.slice(5));
      assert.deepEqual(second.resumeMarks().get("field"), { epoch: 1, frameNo: 3 });
      assert.ok(second.nextId() > ids.at(-1)!);
    });

    it("gives identity, topic, class, time and payload back as they were", async () => {
      const outbox = await open(newPlace());
      const given = newRow(outbox, { seq: 41, stream: "bess-1", class: 2 });
      await outbox.appendFrame({ producer: "control", epoch: 77, frameNo: 1, rows: [given] });
      const [taken] = await outbox.takeBacklog(everything());
      assert.deepEqual({ ...taken, payload: [...taken!.payload] }, {
        ...given,
        payload: [...given.payload],
        producer: "control",
        epoch: 77,
      }); // prettier-ignore
    });

    it("stores a row that comes twice only once", async () => {
      const outbox = await open(newPlace());
      const rows = () => [1, 2, 3].map((seq) => newRow(outbox, { seq }));
      await outbox.appendFrame({ producer: "field", epoch: 1, frameNo: 1, rows: rows() });
      await outbox.appendFrame({ producer: "field", epoch: 1, frameNo: 1, rows: rows() });
      const more = [...rows(), newRow(outbox, { seq: 4 })];
      await outbox.appendFrame({ producer: "field", epoch: 1, frameNo: 2, rows: more });
      const seqs = (await outbox.takeBacklog(everything())).map(({ seq }) => seq);
      assert.deepEqual(seqs, [1, 2, 3, 4]);
    });

    it("leaves out what is on its way, without giving it a place in the answer", async () => {
      const outbox = await open(newPlace());
      const ids = await fill(outbox, { frames: 2, rows: 5 });
      const query = { ...everything(), exclude: ids.slice(1, 4), limit: 4 };
      const found = (await outbox.takeBacklog(query)).map(({ id }) => id);
      assert.deepEqual(found, [ids[0], ids[4], ids[5], ids[6]]);
    });

    it("copies payloads before appendFrame returns", async () => {
      const outbox = await open(newPlace());
      const row = newRow(outbox, { seq: 1 });
      const before = [...row.payload];
      const stored = outbox.appendFrame({ producer: "field", epoch: 1, frameNo: 1, rows: [row] });
      row.payload.fill(0);
      await stored;
      const [taken] = await outbox.takeBacklog(everything());
      assert.deepEqual([...taken!.payload], before);
    });

    it("resolves frames in the order in which they came", async () => {
      const outbox = await open(newPlace());
      const order: number[] = [];
      const frames = Array.from({ length: 20 }, async (_, at) => {
        const rows = [newRow(outbox, { seq: at + 1 })];
        await outbox.appendFrame({ producer: "field", epoch: 1, frameNo: at + 1, rows });
        order.push(at + 1);
      });
      await Promise.all(frames);
      assert.deepEqual(
        order,
        Array.from({ length: 20 }, (_, at) => at + 1),
      );
    });
  });
}

function everything(): BacklogQuery {
  return { limit: 5000, maxBytes: 1e9, exclude: [] };
}

async function waiting(outbox: Outbox): Promise<number[]> {
  return (await outbox.takeBacklog(everything())).map(({ id }) => id);
}

function newRow(outbox: Outbox, shape: { seq: number; stream?: string; class?: RowClass }): NewRow {
  const { seq, stream = "meter-1" } = shape;
  const payload = new TextEncoder().encode(JSON.stringify({ stream, seq }));
  const id = outbox.nextId();
  return {
    id,
    class: shape.class ?? 3,
    topic: `tel/${stream}`,
    stream,
    seq,
    utc: utcMs(id),
    payload,
  };
}

async function fill(
  outbox: Outbox,
  { frames, rows }: { frames: number; rows: number },
): Promise<number[]> {
  const ids: number[] = [];
  const stored: Promise<void>[] = [];
  let seq = 0;
  for (let frameNo = 1; frameNo <= frames; frameNo += 1) {
    const made = Array.from({ length: rows }, () => newRow(outbox, { seq: (seq += 1) }));
    ids.push(...made.map(({ id }) => id));
    stored.push(outbox.appendFrame({ producer: "field", epoch: 1, frameNo, rows: made }));
  }
  await Promise.all(stored);
  return ids;
}
