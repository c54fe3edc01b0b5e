import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { type MessagePort, Worker } from "node:worker_threads";
import type { WorkerStart } from "./messages.ts";

/** Starts the worker beside this file: compiled when this file is, else through tsx. */
export function startWorker(start: Omit<WorkerStart, "commands">, commands: MessagePort): Worker {
  const transferList = [commands];
  if (!import.meta.url.endsWith(".ts")) {
    const url = new URL("./store-worker.js", import.meta.url);
    return new Worker(url, { workerData: { ...start, commands }, transferList });
  }
  const module = new URL("./store-worker.ts", import.meta.url).href;
  const source = { loader: loaderUrl(), module };
  const workerData = { ...start, commands, source };
  return new Worker(FROM_SOURCE, { eval: true, workerData, transferList });
}

/** A worker of Node 20 does not inherit the loader of its parent, so it registers its own. */
const FROM_SOURCE = `
  const { loader, module } = require("node:worker_threads").workerData.source;
  import(loader).then(({ register }) => { register(); return import(module); });
`;

/**
 * Where tsx keeps the module form of its programming interface. Asked of its package file, because
 * this file may itself run as a CommonJS module, which would be given the other form.
 */
function loaderUrl(): string {
  const require = createRequire(import.meta.url);
  const file = require.resolve("tsx/package.json");
  const { exports } = require(file) as {
    exports: { "./esm/api": { import: { default: string } } };
  };
  return new URL(exports["./esm/api"].import.default, pathToFileURL(file)).href;
}
