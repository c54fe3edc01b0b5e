import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { lockExclusively } from "../../native/libc.ts";
import { GatewayError } from "../domain/errors.ts";

/**
 * Makes this process the only one that holds `lockFile`, until it ends: the file stays, and the
 * kernel takes its lock back. The process id in it is for people.
 *
 * @throws GatewayError INSTANCE_RUNNING with the `pid` of the other one; FILE_UNREADABLE when the
 *   file cannot be made
 */
export function becomeSingleInstance(lockFile: string): void {
  const fd = openLockFile(lockFile);
  try {
    if (lockExclusively(fd) === "held-by-another") {
      const pid = Number.parseInt(readFileSync(lockFile, "utf8"), 10);
      throw new GatewayError("INSTANCE_RUNNING", {
        lockFile,
        ...(Number.isNaN(pid) ? {} : { pid }),
      });
    }
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`, 0);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/**
 * Looks whether a process holds `lockFile`, and leaves it as it is.
 *
 * @returns its process id, 0 where the file does not say; undefined when nobody holds it
 * @throws GatewayError FILE_UNREADABLE when the file is not for us to open
 */
export function holderOf(lockFile: string): number | undefined {
  if (!existsSync(lockFile)) return undefined;
  const fd = openLockFile(lockFile);
  try {
    if (lockExclusively(fd) === "locked") return undefined;
    const pid = Number.parseInt(readFileSync(lockFile, "utf8"), 10);
    return Number.isNaN(pid) ? 0 : pid;
  } finally {
    // The kernel takes the lock back with the last descriptor of the file that was opened.
    closeSync(fd);
  }
}

function openLockFile(lockFile: string): number {
  try {
    return openSync(lockFile, "a+", 0o600);
  } catch (cause) {
    throw new GatewayError("FILE_UNREADABLE", { path: lockFile }, { cause });
  }
}
