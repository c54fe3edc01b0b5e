import { strict as assert } from "node:assert";
import fc from "fast-check";
import { AuditLedger, auditLine } from "../../src/store/audit-ledger.ts";

function feed(
  ledger: AuditLedger,
  seqs: readonly number[],
  shape: { bf?: boolean; epoch?: number },
) {
  const { bf = false, epoch = 1 } = shape;
  for (const seq of seqs) ledger.receive({ stream: "meter-1", epoch, seq, isBackfill: bf });
}

describe("audit ledger", () => {
  it("certifies a delivery with duplicates and backfill beside live", () => {
    const ledger = new AuditLedger({ begin: "one" });
    feed(ledger, [1, 2, 3, 8, 9], {});
    feed(ledger, [4, 5, 6, 7], { bf: true });
    feed(ledger, [9, 10], {});
    const verdict = ledger.verdict();
    assert.equal(verdict.passed, true);
    assert.equal(auditLine(verdict), "10 sent, 10 received, 0 lost, 1 duplicates, 0 out of order");
  });

  it("names the ranges that are missing", () => {
    const ledger = new AuditLedger({ begin: "one" });
    feed(ledger, [2, 3, 7], {});
    ledger.expectUpTo("meter-1", 1, 9);
    const verdict = ledger.verdict();
    assert.equal(verdict.passed, false);
    assert.equal(verdict.lost, 6);
    assert.deepEqual(verdict.streams[0]?.epochs[0]?.missing, [[1, 1], [4, 6], [8, 9]]); // prettier-ignore
  });

  it("begins where the subscriber came in, and audits a new epoch from its first row", () => {
    const ledger = new AuditLedger({ begin: "first-seen" });
    feed(ledger, [500, 501], {});
    feed(ledger, [2, 3], { epoch: 2 });
    const { lost, sent } = ledger.verdict();
    assert.deepEqual({ lost, sent }, { lost: 1, sent: 5 });
  });

  it("tells a lane that runs backwards, each lane for itself", () => {
    const ledger = new AuditLedger({ begin: "one" });
    feed(ledger, [1, 3, 2, 4], {});
    feed(ledger, [7, 6, 5], { bf: true });
    const [epoch] = ledger.verdict().streams[0]?.epochs ?? [];
    assert.equal(epoch?.liveOutOfOrder, 1);
    assert.equal(epoch.backfillOutOfOrder, 2);
    assert.equal(ledger.verdict().passed, false);
  });

  it("agrees with plain sets, whatever arrives", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (seqs) => {
        const ledger = new AuditLedger({ begin: "one" });
        feed(ledger, seqs, {});
        const different = new Set(seqs);
        const { sent, received, duplicates, lost } = ledger.verdict();
        assert.equal(sent, Math.max(...seqs));
        assert.equal(received, different.size);
        assert.equal(duplicates, seqs.length - different.size);
        assert.equal(lost, sent - received);
      }),
    );
  });

  it("counts what it cannot follow, and does not pass then", () => {
    const ledger = new AuditLedger({ begin: "one" });
    for (let index = 0; index <= 16_384; index += 1) {
      ledger.receive({ stream: `s${index}`, epoch: 1, seq: 1, isBackfill: false });
    }
    assert.equal(ledger.verdict().notFollowed, 1);
    assert.equal(ledger.verdict().passed, false);
  });

  it("keeps counting losses of a stream in more pieces than it remembers", () => {
    const ledger = new AuditLedger({ begin: "one" });
    for (let seq = 1; seq <= 6001; seq += 2) feed(ledger, [seq], {});
    const { sent, received, lost } = ledger.verdict();
    assert.deepEqual({ sent, received, lost }, { sent: 6001, received: 3001, lost: 3000 });
  });
});
