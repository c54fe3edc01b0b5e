import { type MessagePort, Worker } from "node:worker_threads";
import type { WorkerStart } from "./messages.ts";

/** Run from source: a worker of Node 20 does not inherit the loader of its parent. */
const FROM_SOURCE = `
  const { loader, module } = require("node:worker_threads").workerData.source;
  import(loader).then(({ register }) => { register(); return import(module); });
`;

/** Starts the worker beside this file: compiled when this file is, else through tsx. */
export function startWorker(start: Omit<WorkerStart, "commands">, commands: MessagePort): Worker {
  const transferList = [commands];
  if (!import.meta.url.endsWith(".ts")) {
    const url = new URL("./store-worker.js", import.meta.url);
    return new Worker(url, { workerData: { ...start, commands }, transferList });
  }
  const source = {
    loader: import.meta.resolve("tsx/esm/api"),
    module: new URL("./store-worker.ts", import.meta.url).href,
  };
  const workerData = { ...start, commands, source };
  return new Worker(FROM_SOURCE, { eval: true, workerData, transferList });
}
