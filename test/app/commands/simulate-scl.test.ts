import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { simulateScl } from "../../../src/app/commands/simulate-scl.ts";
import { TsEngine } from "../../../src/drivers/iec61850/association.ts";
import type {
  Association,
  ReceivedReport,
  ReportPlan,
  ReportSink,
} from "../../../src/drivers/iec61850/engine.ts";
import { ReportMemory } from "../../../src/drivers/iec61850/report-memory.ts";
import { TimerWheel } from "../../../src/drivers/wheel.ts";
import { SystemClock } from "../../../src/platform/clock.ts";
import { parseDataSetName, parseReference } from "../../../src/wire/mms/names.ts";
import { until } from "../../support/until.ts";
import { stationText } from "../../scl/support.ts";

const CALL = { signal: new AbortController().signal };
const MODELS = ["direct-normal", "sbo-normal", "direct-enhanced", "sbo-enhanced"] as const;
const CTL_WORDS = [
  "direct-with-normal-security",
  "sbo-with-normal-security",
  "direct-with-enhanced-security",
  "sbo-with-enhanced-security",
];

/** The station of the SCL tests with a switch of each control model, and a setting. */
function fullStation(): string {
  const switches = CTL_WORDS.map((_word, at) => `<DO name="SPCSO${at + 1}" type="D_C${at + 1}"/>`);
  const types = CTL_WORDS.map(
    (word, at) => `<DOType id="D_C${at + 1}" cdc="SPC">
      <DA name="stVal" fc="ST" bType="BOOLEAN" dchg="true"/>
      <DA name="q" fc="ST" bType="Quality" qchg="true"/><DA name="t" fc="ST" bType="Timestamp"/>
      <DA name="ctlModel" fc="CF" bType="Enum" type="E_CTL"><Val>${word}</Val></DA>
      <DA name="Oper" fc="CO" bType="Struct" type="A_OPER_BOOL"/>
    </DOType>`,
  );
  return stationText()
    .replace(
      '<LN lnClass="DRCC" inst="1" lnType="T_DRCC"/>',
      '$&<LN lnClass="GGIO" inst="1" lnType="T_GGIO"/>',
    )
    .replace(
      '<LNodeType id="T_DRCC"',
      `<LNodeType id="T_GGIO" lnClass="GGIO">${switches.join("")}
        <DO name="Lim" type="D_ASG"/></LNodeType>$&`,
    )
    .replace(
      '<DOType id="D_SPC"',
      `${types.join("")}<DOType id="D_ASG" cdc="ASG">
        <DA name="setMag" fc="SP" bType="Struct" type="A_FLOAT"/></DOType>$&`,
    )
    .replace(
      '<EnumVal ord="4">sbo-with-enhanced',
      '<EnumVal ord="2">sbo-with-normal-security</EnumVal>' +
        '<EnumVal ord="3">direct-with-enhanced-security</EnumVal>$&',
    );
}

/** The command as it runs, and its lines. */
class Run {
  readonly out: string[] = [];
  readonly err: string[] = [];
  readonly input = new PassThrough();
  readonly #end = new AbortController();
  readonly ended: Promise<number>;

  constructor(file: string, options: Readonly<Record<string, string>> = {}) {
    this.ended = simulateScl(
      {
        positionals: [],
        options: { port: "0", ...options },
        terminal: {
          out: (line) => this.out.push(line),
          err: (line) => this.err.push(line),
          screen: undefined,
          hasColour: false,
          draw: () => undefined,
        },
        signal: this.#end.signal,
      },
      file,
      this.input,
    );
  }

  get port(): number {
    return Number(/port (\d+)$/.exec(this.out[0] ?? "")?.[1] ?? NaN);
  }

  order(order: object | string): void {
    this.input.write(`${typeof order === "string" ? order : JSON.stringify(order)}\n`);
  }

  async stop(): Promise<number> {
    this.#end.abort();
    return this.ended;
  }
}

class Sink implements ReportSink {
  readonly reports: ReceivedReport[] = [];
  readonly troubles: unknown[] = [];

  report(report: ReceivedReport): void {
    this.reports.push(report);
  }

  gap(gap: unknown): void {
    this.troubles.push(gap);
  }

  lost(why: string): void {
    this.troubles.push(why);
  }

  silent(silentMs: number): void {
    this.troubles.push(silentMs);
  }
}

describe("simulate --scl", function () {
  this.timeout(20_000);
  const clock = new SystemClock();
  let folder: string;
  let file: string;
  let run: Run;

  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "simulate-scl-"));
    file = path.join(folder, "station.scd");
    writeFileSync(file, fullStation());
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  async function served(use: (association: Association) => Promise<void>): Promise<void> {
    run = new Run(file, { ied: "BESS1" });
    await until(() => run.out.length >= 2, `the server: ${run.err.join()}`);
    const engine = new TsEngine({ clock, wheel: new TimerWheel(clock) });
    const association = await engine.associate({ host: "127.0.0.1", port: run.port }, CALL.signal);
    try {
      await use(association);
      await association.release(CALL);
    } finally {
      assert.equal(await run.stop(), 0);
    }
  }

  async function read(association: Association, text: string): Promise<unknown> {
    const reference = parseReference(text);
    assert.ok(reference !== undefined, text);
    const [value] = await association.read([reference], CALL);
    return value !== undefined && "value" in value ? value.value : value;
  }

  it("serves directory, types and values of an IED of the file", async () => {
    await served(async (association) => {
      assert.match(
        run.out[1] ?? "",
        /^2 logical devices with \d+ logical nodes, 2 data sets, 3 rep/,
      );
      const items: string[] = [];
      for await (const entry of association.directory(CALL))
        if (entry.kind === "variable") items.push(`${entry.ld}/${entry.item}`);
      assert.ok(items.includes("BESS1BAT/M1ZBAT1$MX$Vol$mag$f"));
      const dataSet = parseDataSetName("BESS1LD0/LLN0$dsMeas");
      assert.ok(dataSet !== undefined);
      const members = await association.dataSet(dataSet, CALL);
      assert.equal(members?.length, 4);
      assert.equal(await read(association, "BESS1LD0/MMXU1.TotW.mag.f[MX]"), 1_250.5);
      assert.equal(await read(association, "BESS1LD0/MMXU2.Beh.stVal[ST]"), 1, "it is on");
      const node = { ld: "BESS1LD0", ln: "XCBR1", fc: undefined, path: [] };
      const type = await association.typeOf(node, CALL);
      assert.equal(type?.kind, "structure");
    });
  });

  it("takes a setting, and shows it", async () => {
    await served(async (association) => {
      const place = "BESS1LD0/GGIO1.Lim.setMag.f[SP]";
      const reference = parseReference(place);
      assert.ok(reference !== undefined);
      const value = { kind: "float", value: 7.5, width: 32 } as const;
      assert.deepEqual(await association.write(reference, value, CALL), { outcome: "accepted" });
      assert.equal(await read(association, place), 7.5);
      await until(() => run.out.some((line) => /Lim.*was set to 7.5$/.test(line)), "the line");
    });
  });

  it("takes commands of all four control models, and refuses where it is told to", async () => {
    await served(async (association) => {
      const order = {
        value: true,
        origin: { category: 3, identification: "edge" },
        isTest: false,
        isInterlockChecked: true,
        isSynchronismChecked: false,
      };
      for (const [at, model] of MODELS.entries()) {
        const object = { ld: "BESS1LD0", ln: "GGIO1", path: [`SPCSO${at + 1}`] };
        const outcome = await association.control(object, order, CALL);
        assert.ok(outcome.outcome === "accepted", JSON.stringify(outcome));
        assert.equal(outcome.model, model);
        const place = `BESS1LD0/GGIO1.SPCSO${at + 1}`;
        await until(() => run.out.some((line) => line.startsWith(`${place} was operated`)), model);
        assert.equal(await read(association, `${place}.stVal[ST]`), true);
      }
      run.order({ fault: "refuse-control", code: 10 });
      await until(() => run.out.at(-1)?.startsWith("done:") === true, "the fault");
      const object = { ld: "BESS1LD0", ln: "XCBR1", path: ["Pos"] };
      const refused = await association.control(object, order, CALL);
      assert.ok(refused.outcome === "refused");
      assert.equal(refused.additionalCause, 10);
      run.order({ fault: "unheard-of" });
      await until(() => run.err.length > 0, "what is wrong with the order");
      const still = await association.control(object, order, CALL);
      assert.equal(still.outcome, "refused", "a wrong order ends no fault");
      run.order({ fault: "none" });
      await until(() => run.out.at(-1) === 'done: {"fault":"none"}', "the end of the fault");
      const healed = await association.control(object, order, CALL);
      assert.equal(healed.outcome, "accepted");
    });
  });

  for (const [name, ln, isBuffered] of [
    ["urcbMeas01", "LLN0", false],
    ["brcbState", "LLN0", true],
  ] as const) {
    it(`reports by ${name} what an order changes`, async () => {
      await served(async (association) => {
        const sink = new Sink();
        const plan: ReportPlan = {
          ld: "BESS1LD0",
          ln,
          isBuffered,
          names: [name],
          triggers: ["data-change"],
          integrityMs: 0,
          bufferMs: 0,
          reserveS: 60,
          isInterrogated: true,
          memory: new ReportMemory(undefined),
        };
        const result = await association.subscribe(plan, sink, CALL);
        assert.ok(result.result === "subscribed", JSON.stringify(result));
        await until(() => sink.reports.some(({ kind }) => kind === "general-interrogation"), "GI");
        const before = sink.reports.length;
        run.order({
          set: { "BESS1LD0/MMXU1.TotW.mag.f[MX]": 99, "BESS1LD0/XCBR1.Pos.stVal[ST]": "open" },
        });
        await until(() => sink.reports.length > before, "the report");
        const [entry] = sink.reports.at(-1)?.entries ?? [];
        assert.equal(sink.reports.at(-1)?.entries.length, 1, "one member changed");
        assert.equal(entry?.index, 0);
        assert.deepEqual(sink.troubles, []);
        await result.subscription.stop(CALL);
      });
    });
  }

  it("says of an order that it does not understand what is wrong, and goes on", async () => {
    await served(async (association) => {
      const orders = [
        ["nonsense", /no order/],
        [{ set: 5 }, /references with their values/],
        [{ set: { "BESS1LD0/MMXU1.TotW.mag.f[MX]": 5, "X/Y.Z[MX]": 1 } }, /X\/Y.*not a value/],
        [{ set: { "BESS1LD0/MMXU1.TotW.mag.f[MX]": [1] } }, /is expected/],
        [{ fault: "frozen" }, /stand still/],
        [{ fault: "unheard-of" }, /unknown fault/],
        [{ load: "full" }, /no order/],
      ] as const;
      for (const [order, sentence] of orders) {
        const before = run.err.length;
        run.order(order);
        await until(() => run.err.length > before, JSON.stringify(order));
        assert.match(run.err.at(-1) ?? "", sentence);
      }
      assert.equal(
        await read(association, "BESS1LD0/MMXU1.TotW.mag.f[MX]"),
        1_250.5,
        "all or none",
      );
    });
  });

  it("ends with a sentence for what it cannot serve", async () => {
    const status = async (options: Readonly<Record<string, string>>, place = file) => {
      run = new Run(place, options);
      const ended = await run.ended;
      return [ended, run.err.join("\n")] as const;
    };
    const [several, which] = await status({});
    assert.equal(several, 1);
    assert.match(which, /BESS1.*RELAY1/);
    assert.equal((await status({ ied: "NOBODY" }))[0], 1);
    assert.deepEqual((await status({ port: "70000" }))[0], 2);
    const broken = path.join(folder, "broken.cid");
    writeFileSync(broken, "<SCL><IED");
    assert.equal((await status({}, broken))[0], 1);
    await assert.rejects(status({}, path.join(folder, "absent.cid")), { code: "FILE_UNREADABLE" });
  });
});
