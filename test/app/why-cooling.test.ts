import { strict as assert } from "node:assert";
import { whyLines, type WhyAnswer } from "../../src/app/why.ts";
import { whyOfAll } from "../../src/app/why-cooling.ts";
import type { ThermalMode } from "../../src/control/thermal/thermal-mode.ts";
import type { ThermalWhy } from "../../src/control/thermal/thermal-words.ts";

const NOW = Date.UTC(2026, 0, 1);

const nothing: readonly WhyAnswer[] = [{ kind: "nothing", reason: "nobody asked" }];
const unit = [{ kind: "command", command: undefined, links: [] }] as unknown as WhyAnswer[];

function cooling(mode: ThermalMode): ThermalWhy {
  const links = [
    { link: "summary", text: "it is asked for 91.5 %" },
    { link: "level", text: "the flow follows the heat" },
  ] as const;
  return { asset: "cdu-3", point: "pump", mode, binding: "heat", value: 91.5, links };
}

function asked(
  terms: { readonly host: readonly WhyAnswer[]; readonly mode?: ThermalMode },
  atUtc?: number,
): readonly WhyAnswer[] {
  const { host, mode } = terms;
  const parts = {
    host: { why: () => host },
    thermal: mode === undefined ? undefined : { why: () => [cooling(mode)] },
    utcNow: () => NOW,
  };
  return whyOfAll(parts, "cdu-3/pump", atUtc);
}

describe("why, of batteries, commands and cooling", () => {
  it("is the host's answer where no cooling drives the point", () => {
    assert.equal(asked({ host: unit }), unit);
    assert.equal(asked({ host: nothing }), nothing);
  });

  it("has the cooling first where that drives the point, and the command where not", () => {
    const kinds = (mode: ThermalMode): string[] =>
      asked({ host: unit, mode }).map(({ kind }) => kind);
    assert.deepEqual(kinds("control"), ["cooling", "command"]);
    assert.deepEqual(kinds("request"), ["command", "cooling"]);
  });

  it("leaves out that nothing was asked, where the cooling asks", () => {
    const answers = asked({ host: nothing, mode: "control" }, NOW - 1_000);
    assert.deepEqual(whyLines(answers), [
      "it is asked for 91.5 %",
      "  level        the flow follows the heat",
    ]);
  });

  it("says that the cooling of another time is not kept, and gives the command of then", () => {
    const [then] = asked({ host: nothing, mode: "control" }, NOW - 3_000);
    assert.match(then?.kind === "nothing" ? then.reason : "", /is not kept/);
    assert.deepEqual(asked({ host: unit, mode: "control" }, NOW - 3_000), unit);
  });
});
