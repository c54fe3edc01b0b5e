import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { type MessagePort, Worker } from "node:worker_threads";

/**
 * Starts a thread from a module of this project: compiled where the caller is, else through tsx.
 *
 * @param beside `import.meta.url` of the caller
 * @param name of the module's file beside it, without its ending
 */
export function startThread(
  beside: string,
  name: string,
  start: {
    readonly workerData: object;
    readonly transferList?: readonly MessagePort[];
  },
): Worker {
  const transferList = [...(start.transferList ?? [])];
  if (!beside.endsWith(".ts")) {
    const { workerData } = start;
    return new Worker(new URL(`./${name}.js`, beside), { workerData, transferList });
  }
  const source = { loader: loaderUrl(), module: new URL(`./${name}.ts`, beside).href };
  const workerData = { ...start.workerData, source };
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
