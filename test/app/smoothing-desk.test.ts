import { strict as assert } from "node:assert";
import {
  type Desk,
  type DeskAnswer,
  type DeskQuestion,
  DESK_WAITING_MAX,
  DeskThread,
  type DeskWorker,
  SmoothingDesk,
} from "../../src/app/smoothing-desk.ts";
import { createSmoothingLevel, unitDelayRequest } from "../../src/control/smoothing-level.ts";
import { refitRequest } from "../../src/control/smoothing/smoothing.ts";
import { monotonicMs } from "../../src/domain/time.ts";
import { siteSettings } from "../control/smoothing/support/arms.ts";
import { LOOPS } from "../control/smoothing/support/timing.ts";
import { testPlan } from "../support/plant-plan.ts";

const LEVEL = createSmoothingLevel(
  testPlan({ smoothing: siteSettings(LOOPS.d95) }),
  monotonicMs(0),
);
assert.ok(LEVEL !== undefined);
const level = LEVEL;

/** A desk whose answers the test gives. */
class Slow implements Desk {
  readonly asked: { readonly question: DeskQuestion; readonly atMs: number }[] = [];
  readonly #answers: ((answer: DeskAnswer) => void)[] = [];
  atMs = 0;

  ask(question: DeskQuestion, answer: (answer: DeskAnswer) => void): void {
    this.asked.push({ question, atMs: this.atMs });
    this.#answers.push(answer);
  }

  answer(place: number, answer: DeskAnswer): void {
    this.#answers[place]?.(answer);
  }

  times(kind: DeskQuestion["kind"]): readonly number[] {
    return this.asked.flatMap(({ question, atMs }) => (question.kind === kind ? [atMs] : []));
  }
}

function run(desk: SmoothingDesk, slow: Slow, untilMs: number, act = (): void => undefined): void {
  for (; slow.atMs < untilMs; slow.atMs += 50) {
    desk.after(level, monotonicMs(slow.atMs));
    act();
  }
}

describe("the desk beside the cycle", () => {
  it("asks each kind in its own time, and not again while an answer is due", () => {
    const slow = new Slow();
    const desk = new SmoothingDesk(slow);
    run(desk, slow, 35_000);
    assert.deepEqual(slow.times("refit"), [1_000, 11_000, 21_000, 31_000], "given up after 10 s");
    assert.deepEqual(slow.times("loop-delay"), [20_000]);
    assert.deepEqual(slow.times("unit-delay"), [20_000, 30_000]);
  });

  it("asks again each second when it is answered, and hands an answer to one cycle", () => {
    const slow = new Slow();
    const desk = new SmoothingDesk(slow);
    const found = { cycles: 1, coefficients: new Float64Array(1) } as unknown as Extract<
      DeskAnswer,
      { readonly kind: "refit" }
    >["found"];
    let taken = 0;
    run(desk, slow, 5_000, () => {
      if (slow.asked.at(-1)?.atMs === slow.atMs) {
        slow.answer(slow.asked.length - 1, { kind: "refit", found });
        assert.equal(desk.take()?.refit, found);
        taken += 1;
      }
      assert.equal(desk.take(), undefined);
    });
    assert.deepEqual(slow.times("refit"), [1_000, 2_000, 3_000, 4_000]);
    assert.equal(taken, 4);
  });

  it("asks for one unit after the other", () => {
    const slow = new Slow();
    const desk = new SmoothingDesk(slow);
    run(desk, slow, 55_000, () => {
      const last = slow.asked.at(-1)?.question;
      if (last?.kind === "unit-delay")
        slow.answer(slow.asked.length - 1, { ...last, found: { result: "too-still" } });
    });
    const units = slow.asked.flatMap(({ question }) =>
      question.kind === "unit-delay" ? [question.unit] : [],
    );
    assert.deepEqual(units, [0, 1, 0, 1, 0]);
  });
});

/** A worker that answers when the test says so. */
class FakeWorker implements DeskWorker {
  readonly questions: DeskQuestion[] = [];
  isEnded = false;
  readonly #onAnswer: ((answer: DeskAnswer) => void)[] = [];
  readonly #onError: ((error: Error) => void)[] = [];

  on(event: "message", listener: (answer: DeskAnswer) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "message" | "error", listener: (told: never) => void): void {
    const listeners: unknown[] = event === "message" ? this.#onAnswer : this.#onError;
    listeners.push(listener);
  }

  postMessage(question: DeskQuestion): void {
    this.questions.push(question);
  }

  async terminate(): Promise<void> {
    this.isEnded = true;
    return Promise.resolve();
  }

  answer(unit: number): void {
    for (const listener of this.#onAnswer)
      listener({ kind: "unit-delay", unit, found: { result: "too-still" } });
  }

  fail(): void {
    for (const listener of this.#onError) listener(new Error("the thread broke"));
  }
}

function threads() {
  const workers: FakeWorker[] = [];
  const failures: string[] = [];
  const answers: (readonly [number, number])[] = [];
  const thread = new DeskThread({
    onFailure: (error) => failures.push(error.message),
    start: () => {
      const worker = new FakeWorker();
      workers.push(worker);
      return worker;
    },
  });
  const ask = (unit: number): void => {
    const request = unitDelayRequest(level, unit % 2);
    thread.ask({ kind: "unit-delay", unit, request }, (answer) => {
      answers.push([unit, answer.kind === "unit-delay" ? answer.unit : -1]);
    });
  };
  return { workers, failures, answers, thread, ask };
}

describe("the thread of the desk", () => {
  it("begins with the first question, and gives each asker its own answer", () => {
    const { workers, answers, ask } = threads();
    assert.equal(workers.length, 0);
    ask(0);
    ask(1);
    assert.equal(workers.length, 1);
    workers[0]?.answer(0);
    workers[0]?.answer(1);
    assert.deepEqual(answers, [
      [0, 0],
      [1, 1],
    ]);
  });

  it("is given up with so many questions unanswered, and begun anew with the next", () => {
    const { workers, failures, answers, thread, ask } = threads();
    for (let count = 0; count < DESK_WAITING_MAX; count += 1) ask(count);
    assert.equal(thread.restarts, 0);
    ask(100);
    assert.deepEqual([thread.restarts, failures.length, workers[0]?.isEnded], [1, 1, true]);
    assert.match(failures[0] ?? "", /REQUEST_TIMEOUT/);
    ask(200);
    assert.equal(workers.length, 2);
    workers[0]?.answer(0);
    assert.deepEqual(answers, [], "a late answer of the one that was given up is for nobody");
    workers[1]?.answer(200);
    assert.deepEqual(answers, [[200, 200]]);
  });

  it("is begun anew after it broke, and told of it once", () => {
    const { workers, failures, answers, thread, ask } = threads();
    ask(0);
    workers[0]?.fail();
    workers[0]?.fail();
    assert.deepEqual([thread.restarts, failures], [1, ["the thread broke"]]);
    ask(1);
    workers[1]?.answer(1);
    assert.deepEqual(answers, [[1, 1]]);
  });

  it("begins nothing more once it is closed", async () => {
    const { workers, thread, ask } = threads();
    ask(0);
    await thread.close();
    assert.equal(workers[0]?.isEnded, true);
    ask(1);
    assert.equal(workers.length, 1);
  });

  it("computes in a real thread what the cycle would", async () => {
    const failures: Error[] = [];
    const thread = new DeskThread({ onFailure: (error) => failures.push(error) });
    const answered = await new Promise<DeskAnswer>((resolve) => {
      thread.ask({ kind: "refit", request: refitRequest(level.smoothing) }, resolve);
    });
    assert.equal(answered.kind, "refit");
    await thread.close();
    assert.deepEqual(failures, []);
  }).timeout(30_000);
});
