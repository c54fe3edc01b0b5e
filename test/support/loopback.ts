import { createServer, type AddressInfo } from "node:net";

/** Ports that nobody listens on at this moment, one after the other free or not. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      async (server) =>
        new Promise<number>((resolve, reject) => {
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => {
            resolve((server.address() as AddressInfo).port);
          });
        }),
    ),
  );
  await Promise.all(
    servers.map(
      async (server) =>
        new Promise<void>((resolve) =>
          server.close(() => {
            resolve();
          }),
        ),
    ),
  );
  return ports;
}

/** First of `count` consecutive free ports; tries a bounded number of places. */
export async function freePortRange(count: number): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const first = 20_000 + Math.floor((attempt * 7919 + process.pid * 31) % 30_000);
    if (await areFree(first, count)) return first;
  }
  throw new Error(`no ${count} consecutive free ports`);
}

async function areFree(first: number, count: number): Promise<boolean> {
  for (let port = first; port < first + count; port += 1) {
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => {
        resolve(false);
      });
      server.listen(port, "127.0.0.1", () =>
        server.close(() => {
          resolve(true);
        }),
      );
    });
    if (!isFree) return false;
  }
  return true;
}
