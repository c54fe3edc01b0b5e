import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { GatewayError } from "../domain/errors.ts";

const OWNER_ONLY = 0o600;

/**
 * Replaces a file so that after a power cut either the former or the new content is there, whole.
 * Resolves when the new one is on the disk.
 *
 * @throws GatewayError STORE_FULL or STORE_IO
 */
export async function writeDurably(path: string, content: Uint8Array | string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await withFile(draft, "w", async (file) => {
      await file.writeFile(content);
      await file.sync();
    });
    await rename(draft, path);
    await withFile(dirname(path), "r", async (directory) => {
      await directory.sync();
    });
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => undefined);
    const isFull = ["ENOSPC", "EDQUOT"].includes((cause as NodeJS.ErrnoException).code ?? "");
    throw new GatewayError(isFull ? "STORE_FULL" : "STORE_IO", { path }, { cause });
  }
}

/**
 * The content of a file, or undefined when there is none.
 *
 * @throws GatewayError FILE_UNREADABLE, also when it is longer than `maxBytes`
 */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    return await withFile(path, "r", async (file) => {
      const content = Buffer.alloc(maxBytes + 1);
      let length = 0;
      while (length <= maxBytes) {
        const { bytesRead } = await file.read(content, length, content.length - length, length);
        if (bytesRead === 0) return content.subarray(0, length);
        length += bytesRead;
      }
      throw new GatewayError("FILE_UNREADABLE", { path, reason: "too long", maxBytes });
    });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (cause instanceof GatewayError) throw cause;
    throw new GatewayError("FILE_UNREADABLE", { path }, { cause });
  }
}

async function withFile<T>(
  path: string,
  flags: "r" | "w",
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags, OWNER_ONLY);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
