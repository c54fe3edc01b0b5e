import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import type { EnginePeer } from "../contract/iec61850-peer.ts";

/** The interpreter that has the wheel pyiec61850. */
const PYTHON = process.env["LIBIEC61850_PYTHON"] ?? "python3";
const FIND_LIBRARY = `
import glob, os, pyiec61850
root = os.path.dirname(os.path.dirname(pyiec61850.__file__))
print(glob.glob(os.path.join(root, "pyiec61850.libs", "libiec61850*.so*"))[0])
`;

/** The shared library that the wheel carries; undefined when the wheel is not installed. */
export function findLibrary(): string | undefined {
  const found = spawnSync(PYTHON, ["-c", FIND_LIBRARY], { encoding: "utf8" });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** libiec61850 as the server of the contract's model; undefined without the wheel. */
export async function libiec61850Peer(): Promise<EnginePeer | undefined> {
  if (findLibrary() === undefined) return undefined;
  const server = spawn(PYTHON, [path.join("test", "interop", "libiec61850_server.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(server, "exit");
  let port = 0;
  for await (const line of createInterface({ input: server.stdout })) {
    port = Number(line);
    break;
  }
  server.stdout.resume();
  return {
    port,
    codes: { control: 3, write: 3 },
    change: (powerW) => {
      server.stdin.write(`change ${powerW}\n`);
    },
    // It sees by the value which command fails.
    setFailing: () => undefined,
    freeze: () => {
      server.kill("SIGSTOP");
    },
    thaw: () => {
      server.kill("SIGCONT");
    },
    vanish: () => {
      server.kill("SIGKILL");
    },
    stop: async () => {
      server.kill("SIGKILL");
      await ended;
    },
  };
}
