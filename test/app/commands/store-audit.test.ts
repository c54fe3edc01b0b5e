import { strict as assert } from "node:assert";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { finish, storeAudit } from "../../../src/app/commands/store-audit.ts";
import type { CommandCall } from "../../../src/app/terminal.ts";
import { AuditLedger } from "../../../src/store/audit-ledger.ts";

function callWith(
  options: CommandCall["options"],
  signal = new AbortController().signal,
): { readonly call: CommandCall; readonly lines: string[] } {
  const lines: string[] = [];
  const terminal = {
    out: (line: string) => lines.push(line),
    err: () => undefined,
    draw: () => undefined,
    screen: undefined,
    hasColour: false,
  };
  return { call: { positionals: [], options, terminal, signal }, lines };
}

const row = { stream: "bess-1", epoch: 1, seq: 1, isBackfill: false };

describe("store audit", () => {
  it("does not begin where the number of seconds is none", async () => {
    await assert.rejects(storeAudit(callWith({ seconds: "x" }).call), {
      code: "CONFIG_INVALID",
      context: { option: "--seconds", reason: "it takes a number, nought or more" },
    });
  });

  it("certifies nothing, with status 1, when it received nothing", () => {
    const { call, lines } = callWith({});
    assert.equal(finish(call, new AuditLedger({ begin: "first-seen" }).verdict()), 1);
    assert.match(lines.at(-1) ?? "", /FAILED, nothing was received$/);
    const json = callWith({ json: true });
    finish(json.call, new AuditLedger({ begin: "first-seen" }).verdict());
    assert.equal((JSON.parse(json.lines[0] ?? "") as { passed: boolean }).passed, false);
  });

  it("passes with status 0 when what was sent was received", () => {
    const ledger = new AuditLedger({ begin: "first-seen" });
    ledger.receive(row);
    const { call, lines } = callWith({});
    assert.equal(finish(call, ledger.verdict()), 0);
    assert.match(lines.at(-1) ?? "", /: passed$/);
  });

  describe("and a broker that does not answer", () => {
    let server: Server;
    const sockets = new Set<Socket>();
    beforeEach(async () => {
      server = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    });
    afterEach(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });

    it("ends at once when it is told to", async () => {
      const stop = new AbortController();
      const { port } = server.address() as AddressInfo;
      const broker = `mqtt://127.0.0.1:${port}`;
      const done = storeAudit(callWith({ broker, seconds: "60" }, stop.signal).call);
      await once(server, "connection");
      stop.abort();
      assert.equal(await done, 1);
    });
  });
});
