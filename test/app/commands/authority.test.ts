import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { answerLine, assetOrder, mode } from "../../../src/app/commands/authority.ts";
import type { CommandCall, ExitStatus } from "../../../src/app/terminal.ts";
import type { LocalOrder } from "../../../src/control/exchange.ts";
import { SAMPLE_SITE } from "../../../src/config/sample.ts";
import { RequestServer } from "../../../src/link/request-server.ts";
import { socketPath } from "../../../src/link/socket-paths.ts";
import { runCommandHere } from "../../support/command-run.ts";

describe("orders at the box", () => {
  let folder: string;
  let out: string[];
  let err: string[];
  let stop: AbortController;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "orders-"));
    writeFileSync(path.join(folder, "site.yaml"), `runtimeDirectory: run\n${SAMPLE_SITE}`);
    out = [];
    err = [];
    stop = new AbortController();
  });
  afterEach(() => {
    stop.abort();
    rmSync(folder, { recursive: true });
  });

  async function run(
    command: (call: CommandCall) => Promise<ExitStatus>,
    words: readonly string[],
    options: CommandCall["options"] = {},
  ): Promise<ExitStatus> {
    const call = {
      positionals: words,
      options: { config: path.join(folder, "site.yaml"), ...options },
      signal: stop.signal,
    };
    return runCommandHere(command, call, { out, err });
  }

  async function answering(answer: (order: LocalOrder) => object): Promise<LocalOrder[]> {
    const asked: LocalOrder[] = [];
    const server = new RequestServer({
      socketPath: socketPath(path.join(folder, "run"), "control/local"),
      methods: new Map([
        [
          "order",
          async ({ params }: { readonly params: unknown }) => {
            asked.push(params as LocalOrder);
            return Promise.resolve({ order: params, ...answer(params as LocalOrder) });
          },
        ],
      ]),
    });
    await server.listen(stop.signal);
    return asked;
  }

  it("go to gateway-control alone, with the name of who asks", async () => {
    const asked = await answering(() => ({ result: "done" }));
    assert.equal(await run(assetOrder("hold"), ["bess-1"], { by: "anna" }), 0);
    assert.equal(await run(mode, ["local"], { by: "anna" }), 0);
    assert.deepEqual(asked, [
      { kind: "hold", asset: "bess-1", by: "anna" },
      { kind: "mode", mode: "local", by: "anna" },
    ]);
    assert.deepEqual(out, ["bess-1: held where it is", "mode: local"]);
  });

  it("say why not, in words, and leave with 1", async () => {
    await answering(() => ({ result: "refused", reason: "stop-it-first" }));
    assert.equal(await run(assetOrder("lockout"), ["bess-1"]), 1);
    assert.match(out[0] ?? "", /^bess-1: refused, stop it first/);
    assert.equal(await run(assetOrder("lockout"), ["bess-1"], { json: true }), 1);
    assert.equal((JSON.parse(out[1] ?? "") as { readonly reason: string }).reason, "stop-it-first");
  });

  it("say that nothing was changed where control does not answer, and leave with 3", async () => {
    assert.equal(await run(assetOrder("stop"), ["all"]), 3);
    assert.deepEqual(err, ["gateway-control does not answer: nothing was changed"]);
  });

  it("need their words", async () => {
    assert.equal(await run(assetOrder("stop"), []), 2);
    assert.equal(await run(assetOrder("lockout"), []), 2);
    assert.equal(await run(mode, ["remotely"]), 2);
    assert.deepEqual(err, [
      "stop needs the name of an asset, or all",
      "lockout needs the name of an asset",
      "mode is local or remote",
    ]);
  });

  it("tell what is done and yet not sure", () => {
    const order = { kind: "lockout", asset: "bess-1", by: "anna" } as const;
    const line = (reason: string | undefined) => answerLine({ order, result: "done", reason });
    assert.equal(line(undefined), "bess-1: locked out: nothing is written to it");
    assert.match(line("not-confirmed"), /NOBODY HAS SEEN IT STOP/);
    assert.match(line("not-saved"), /does not survive a restart/);
    const refused = answerLine({ order, result: "refused", reason: "locked-out-by bert" });
    assert.equal(refused, "bess-1: refused, locked out by bert");
  });
});
