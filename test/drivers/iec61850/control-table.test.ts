import assert from "node:assert/strict";
import type {
  Association,
  ControlModel,
  ControlOutcome,
  ControlTerms,
} from "../../../src/drivers/iec61850/engine.ts";
import { encodeControlNotice } from "../../../src/wire/mms/termination.ts";
import type { MmsValue } from "../../../src/wire/mms/value.ts";
import {
  errorFor,
  numberOf,
  OBJECT,
  OPER,
  ORDER,
  ROOT,
  serve,
  settled,
  terminate,
  writesOf,
} from "./control-peer.ts";
import { nameOf } from "./mms-peer.ts";
import { until } from "../../support/until.ts";
import { associated, type Setup, setUp } from "./setup.ts";

const MODELS = ["direct-normal", "sbo-normal", "direct-enhanced", "sbo-enhanced"] as const;
type Model = (typeof MODELS)[number];

const isSelected = (model: Model): boolean => model.startsWith("sbo");
const isEnhanced = (model: Model): boolean => model.endsWith("enhanced");
const REQUEST_MS = 1_000;
const TERMINATION_MS = 2_000;
const INTERLOCKED = 10;
const TIME_OVER = 16;

/** One command on its way to a device, and what the test does to it. */
interface Course {
  readonly setup: Setup;
  readonly association: Association;
  readonly model: Model;
  readonly outcome: Promise<ControlOutcome>;
  /** Resolves when the device has the Oper, and its answer is on the way. */
  readonly operated: () => Promise<void>;
}

interface Row {
  /** Models in which it cannot be, with the reason; all others are tested. */
  readonly without: (model: Model) => string | undefined;
  /** How the device is to behave from the beginning. */
  readonly prepare?: (setup: Setup, giveUp: () => void, model: Model) => void;
  /** What happens then. */
  readonly happen?: (course: Course) => Promise<void>;
  readonly outcome: (model: Model) => Partial<ControlOutcome> & { readonly outcome: string };
  /** What the device was sent, selections by a read apart. */
  readonly sent: (model: Model) => readonly string[];
  /** After the outcome: what comes late must change nothing. */
  readonly afterwards?: (course: Course) => Promise<void>;
}

const everywhere = (): undefined => undefined;
const selectedOnly = (model: Model): string | undefined =>
  isSelected(model) ? undefined : "nothing is selected";
const enhancedOnly = (model: Model): string | undefined =>
  isEnhanced(model) ? undefined : "there is no termination";

/** `SBOw` is sent by a write, `SBO` by a read. */
const selection = (model: Model): readonly string[] => (model === "sbo-enhanced" ? ["SBOw"] : []);
const whole = (model: Model): readonly string[] => [...selection(model), "Oper"];

function refuse(setup: Setup, service: "SBOw" | "Oper"): void {
  setup.peer.onWrite = (name, value) => {
    if (!name.endsWith(`$${service}`)) return "accepted";
    const error = errorFor(service, numberOf(value), INTERLOCKED);
    setup.peer.inform(encodeControlNotice({ notice: "application-error", error }));
    return { code: 3 };
  };
}

/** What happens when the object is selected, by a read or by a write. */
function atSelection(setup: Setup, act: () => "nothing" | "answer"): void {
  const { peer } = setup;
  peer.script = (request) => {
    if (request.service !== "read" || request.access.by !== "names") return undefined;
    const isSelection = request.access.variables.some(({ name }) => nameOf(name) === `${ROOT}$SBO`);
    return isSelection && act() === "nothing" ? "nothing" : undefined;
  };
  peer.onWrite = (name) => (name.endsWith("$SBOw") && act() === "nothing" ? "nothing" : "accepted");
}

/** The end of a command of the same object with another number: another client's. */
function terminateAnother(setup: Setup): void {
  const own = setup.peer.writes.findLast(({ name }) => name === `${ROOT}$Oper`)?.value;
  assert.ok(own?.kind === "structure");
  const members = own.members.map((member, at): MmsValue =>
    at === 2 ? { kind: "unsigned", value: 77 } : member,
  );
  const command = { kind: "structure", members } as const;
  setup.peer.inform(
    encodeControlNotice({ notice: "termination", name: OPER, command, error: undefined }),
  );
}

async function pass(setup: Setup, ms: number): Promise<void> {
  await settled();
  await setup.clock.advance(ms);
}

const WITHOUT_TERMINATION: Row = {
  without: enhancedOnly,
  happen: async ({ setup, operated }) => {
    await operated();
    await pass(setup, TERMINATION_MS + 50);
  },
  outcome: () => ({ outcome: "unknown", stage: "termination", why: "timeout" }),
  sent: whole,
};

const ROWS: Readonly<Record<string, Row>> = {
  accepted: {
    without: everywhere,
    happen: async ({ setup, model, operated }) => {
      await operated();
      if (isEnhanced(model)) terminate(setup);
    },
    outcome: (model) => ({
      outcome: "accepted",
      confirmed: isEnhanced(model) ? "termination" : "response",
      number: 1,
    }),
    sent: whole,
  },
  "refused at its selection": {
    without: selectedOnly,
    prepare: (setup, _giveUp, model) => {
      if (model === "sbo-enhanced") refuse(setup, "SBOw");
      else setup.peer.values.set(`${ROOT}$SBO`, { kind: "text", value: "" });
    },
    outcome: () => ({ outcome: "refused", stage: "select", number: 1 }),
    sent: selection,
  },
  "refused when it is operated": {
    without: everywhere,
    prepare: (setup) => {
      refuse(setup, "Oper");
    },
    outcome: () => ({
      outcome: "refused",
      stage: "operate",
      additionalCause: INTERLOCKED,
      number: 1,
    }),
    sent: whole,
  },
  "refused by a negative termination": {
    without: enhancedOnly,
    happen: async ({ setup, operated }) => {
      await operated();
      terminate(setup, TIME_OVER);
    },
    outcome: () => ({ outcome: "refused", stage: "termination", additionalCause: TIME_OVER }),
    sent: whole,
  },
  "without its termination": WITHOUT_TERMINATION,
  "with a late termination": {
    ...WITHOUT_TERMINATION,
    afterwards: async ({ setup, association }) => {
      terminate(setup);
      await until(() => association.counters.strayTerminations === 1);
    },
  },
  "beside the termination of another client's": {
    without: enhancedOnly,
    happen: async ({ setup, association, operated }) => {
      await operated();
      terminateAnother(setup);
      await until(() => association.counters.strayTerminations === 1);
      terminate(setup);
    },
    outcome: () => ({ outcome: "accepted", confirmed: "termination", number: 1 }),
    sent: whole,
  },
  "cut at its selection": {
    without: selectedOnly,
    prepare: (setup) => {
      atSelection(setup, () => {
        setup.peer.reset();
        return "nothing";
      });
    },
    outcome: () => ({ outcome: "unknown", stage: "select", why: "down" }),
    sent: selection,
  },
  "cut behind its Oper": {
    without: everywhere,
    prepare: (setup) => {
      setup.peer.onWrite = (name) => {
        if (!name.endsWith("$Oper")) return "accepted";
        setup.peer.reset();
        return "nothing";
      };
    },
    outcome: () => ({ outcome: "unknown", stage: "operate", why: "down", number: 1 }),
    sent: whole,
  },
  "without an answer to its Oper": {
    without: everywhere,
    prepare: (setup) => {
      setup.peer.onWrite = (name) => (name.endsWith("$Oper") ? "nothing" : "accepted");
    },
    happen: async ({ setup, operated }) => {
      await operated();
      await pass(setup, REQUEST_MS + 50);
    },
    outcome: () => ({ outcome: "unknown", stage: "operate", why: "timeout" }),
    sent: whole,
  },
  "cut between the answer and the termination": {
    without: enhancedOnly,
    happen: async ({ setup, operated }) => {
      await operated();
      await until(() => setup.peer.underWay === 0);
      await settled();
      setup.peer.reset();
    },
    outcome: () => ({ outcome: "unknown", stage: "termination", why: "down" }),
    sent: whole,
  },
  "given up at its selection": {
    without: selectedOnly,
    prepare: (setup, giveUp) => {
      atSelection(setup, () => {
        giveUp();
        return "answer";
      });
    },
    outcome: () => ({ outcome: "unknown" }),
    sent: (model) => [...selection(model), "Cancel"],
  },
};

for (const model of MODELS) {
  describe(`a command of ${model}, ${Object.keys(ROWS).length} courses`, () => {
    for (const [name, row] of Object.entries(ROWS)) {
      const reason = row.without(model);
      if (reason !== undefined) continue;
      it(`${name} ends as it must, and is sent once`, async () => {
        await course(model, row);
      });
    }
  });
}

describe("the table of commands", () => {
  it("leaves out only what a model does not have", () => {
    const left = MODELS.flatMap((model) =>
      Object.values(ROWS).flatMap((row) => row.without(model) ?? []),
    );
    assert.deepEqual(new Set(left), new Set(["nothing is selected", "there is no termination"]));
    assert.equal(left.length, 2 * 3 + 2 * 5);
  });
});

async function course(model: Model, row: Row): Promise<void> {
  const setup = await setUp();
  serve(setup, model satisfies ControlModel);
  const association = await associated(setup, { requestTimeoutMs: REQUEST_MS });
  try {
    const given = new AbortController();
    const giveUp = (): void => {
      given.abort(new Error("given up"));
    };
    row.prepare?.(setup, giveUp, model);
    const terms: ControlTerms = { signal: given.signal, terminationTimeoutMs: TERMINATION_MS };
    const outcome = association.control(OBJECT, ORDER, terms);
    const running: Course = {
      setup,
      association,
      model,
      outcome,
      operated: async () => {
        await until(() => setup.peer.written.includes(`${ROOT}$Oper`));
        await settled();
      },
    };
    await row.happen?.(running);
    const ended: Readonly<Record<string, unknown>> = { ...(await outcome) };
    for (const [key, value] of Object.entries(row.outcome(model)))
      assert.deepEqual(ended[key], value, `${key} of ${JSON.stringify(ended)}`);
    await row.afterwards?.(running);
    await settled();
    assert.deepEqual(writesOf(setup), row.sent(model));
    assert.equal(setup.peer.connections, 1, "no new link to send it again over");
  } finally {
    association.abort();
    await setup.stop();
  }
}
