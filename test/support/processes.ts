import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { once } from "node:events";

/** A process that a test started, with what it has said so far. */
export interface Started {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything on its standard output and error. */
  text(): string;
  /** Resolves when a line matches; rejects when the process ends before or time is up. */
  line(pattern: RegExp, withinMs: number): Promise<string>;
  /** Ends it and waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  ended(): Promise<number | null>;
}

const TEXT_MAX_CHARACTERS = 4 * 1024 * 1024;

export function start(command: string, args: readonly string[], cwd?: string): Started {
  const child = spawn(command, [...args], { cwd, stdio: ["pipe", "pipe", "pipe"] });
  let text = "";
  const waiting = new Set<() => void>();
  const take = (chunk: Buffer): void => {
    text = (text + chunk.toString("utf8")).slice(-TEXT_MAX_CHARACTERS);
    for (const wake of waiting) wake();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  const exit = new Promise<number | null>((resolve) => {
    child.on("exit", (code) => {
      resolve(code);
      for (const wake of waiting) wake();
    });
    child.on("error", () => {
      resolve(null);
    });
  });
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return {
    child,
    pid: child.pid ?? -1,
    text: () => text,
    async line(pattern, withinMs) {
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          clearTimeout(timer);
          waiting.delete(look);
        };
        const fail = (why: string): void => {
          leave();
          reject(new Error(`${why} before ${String(pattern)}\n${text.slice(-3000)}`));
        };
        const timer = setTimeout(() => {
          fail(`${withinMs} ms passed`);
        }, withinMs);
        const look = (): void => {
          const found = text.split("\n").find((line) => pattern.test(line));
          if (found !== undefined) {
            leave();
            resolve(found);
          } else if (isOver()) fail("the process ended");
        };
        waiting.add(look);
        look();
      });
    },
    async kill(signal) {
      if (!isOver()) child.kill(signal);
      return exit;
    },
    ended: async () => exit,
  };
}

/** A folder of its own below the system's; short, because socket paths are. */
export async function scratchFolder(name: string): Promise<string> {
  return mkdtemp(path.join(tmpdir(), `${name}-`));
}

/** The compiled command line, as installed. */
export function gateway(...args: readonly string[]): Started {
  return start(process.execPath, [path.join("dist", "src", "app", "cli.js"), ...args]);
}

/** A real broker on a port of its own; its folder outlives it, so that it can be started again. */
export async function mosquitto(port: number, folder: string): Promise<Started> {
  const file = path.join(folder, "mosquitto.conf");
  await writeFile(
    file,
    [
      `listener ${port} 127.0.0.1`,
      "allow_anonymous true",
      "persistence false",
      "max_inflight_messages 1000",
      "max_queued_messages 1000000",
      "set_tcp_nodelay true",
      "log_dest stderr",
      "log_type error",
      "log_type warning",
      "log_type notice",
      "",
    ].join("\n"),
  );
  const broker = start("mosquitto", ["-c", file]);
  await listening(port, 5_000);
  return broker;
}

/** Resolves when somebody accepts connections there. */
export async function listening(port: number, withinMs: number): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      socket.destroy();
      return;
    } catch (error) {
      socket.destroy();
      if (Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** CPU time of a process and its threads since its start, s. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Memory of a process that is in RAM, MB. */
export function residentMb(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  return (pages * 4096) / 1e6;
}
