import { crc32 } from "node:zlib";
import type { CommandStep } from "../domain/command.ts";
import { GatewayError } from "../domain/errors.ts";
import { utcMs } from "../domain/time.ts";
import type { Sqlite, Statement } from "./database.ts";
import type { CommandRecord, OpenCommand, ReplayMark, StoreLimits } from "./rows.ts";

/**
 * Commands on disk before they are executed, and the ids that were used.
 *
 * A command whose id was used is a replay. So is one that expired before the ids of its time were
 * forgotten: a clock that was set back does not open the window again.
 */
export class CommandJournal {
  readonly #db: Sqlite;
  readonly #limits: StoreLimits;
  readonly #isKnown: Statement;
  readonly #addNonce: Statement;
  readonly #addCommand: Statement;
  readonly #addMark: Statement;
  readonly #step: Statement;
  /** Ids that expired before this are forgotten, UTC ms. */
  #forgottenUntil: number;
  #ids: number;

  constructor(db: Sqlite, limits: StoreLimits) {
    this.#db = db;
    this.#limits = limits;
    this.#isKnown = db.prepare("SELECT 1 FROM command WHERE command_id = ?");
    this.#addNonce = db.prepare("INSERT OR IGNORE INTO nonce VALUES (?,?,?)");
    this.#addCommand = db.prepare("INSERT INTO command VALUES (?,?,?,?,?,?,?,?,?,NULL,NULL)");
    this.#addMark = db.prepare(
      `INSERT INTO replay_mark VALUES (?,?,?) ON CONFLICT (kid) DO UPDATE SET
       max_iat = max(max_iat, excluded.max_iat), max_seq = max(max_seq, excluded.max_seq)`,
    );
    this.#step = db.prepare(
      `UPDATE command SET last_step = $step, ended_utc = $ended
       WHERE command_id = $id AND ended_utc IS NULL`,
    );
    const state = db.prepare("SELECT value FROM state WHERE key = 'forgotten_until'").pluck();
    this.#forgottenUntil = Number(state.get() ?? 0);
    this.#ids = Number(db.prepare("SELECT count(*) FROM nonce").pluck().get());
  }

  /**
   * Writes a command down; it is on disk when this returns.
   *
   * @throws GatewayError STORE_FULL when more ids are in use than are kept
   */
  journal(record: CommandRecord): "fresh" | "replay" {
    if (record.exp < this.#forgottenUntil) return "replay";
    if (this.#ids >= this.#limits.replayIds) {
      throw new GatewayError("STORE_FULL", { commandIds: this.#ids });
    }
    const isFresh = this.#db
      .transaction(() => {
        const { kid, jti, exp, iat, seq } = record;
        if (this.#isKnown.get(record.commandId) !== undefined) return false;
        if (this.#addNonce.run(kid, jti, exp).changes === 0) return false;
        this.#addMark.run(kid, iat, seq);
        const { commandId, raw, command } = record;
        this.#addCommand.run(commandId, kid, jti, iat, exp, seq, raw, command, crcOf(record));
        return true;
      })
      .immediate();
    if (isFresh) this.#ids += 1;
    return isFresh ? "fresh" : "replay";
  }

  /** Inside a transaction of the caller. Steps behind the end of a command change nothing. */
  recordStep(step: CommandStep): void {
    this.#step.run({
      id: step.commandId,
      step: JSON.stringify(step),
      ended: step.final ? step.at : null,
    });
  }

  /** Accepted, but not ended; oldest first. One that is damaged is left out and counted. */
  openCommands(): { readonly commands: readonly OpenCommand[]; readonly damaged: number } {
    const rows = this.#db
      .prepare(
        `SELECT command_id, kid, jti, iat, exp, seq, raw, command, crc, last_step FROM command
         WHERE ended_utc IS NULL ORDER BY iat, command_id`,
      )
      .raw()
      .all() as CommandColumns[];
    const commands: OpenCommand[] = [];
    for (const row of rows) {
      const [commandId, kid, jti, iat, exp, seq, raw, command, crc, lastStep] = row;
      const times = { iat: utcMs(iat), exp: utcMs(exp) };
      const record = { commandId, kid, jti, ...times, seq, raw, command };
      if (crcOf(record) !== crc) continue;
      commands.push({ ...record, lastStep: stepOf(lastStep) });
    }
    return { commands, damaged: rows.length - commands.length };
  }

  replayMarks(): ReplayMark[] {
    const rows = this.#db.prepare("SELECT kid, max_iat, max_seq FROM replay_mark").raw().all();
    return (rows as [string, number, number][]).map(([kid, maxIat, maxSeq]) => {
      return { kid, maxIat: utcMs(maxIat), maxSeq };
    });
  }

  /** Forgets what can no longer be replayed, and commands that ended long ago. */
  forget(utcNow: number): void {
    const until = utcNow - this.#limits.replayMs;
    const { changes } = this.#db.prepare("DELETE FROM nonce WHERE exp < ?").run(until);
    this.#ids -= changes;
    // Only what was really forgotten closes the window: an idle store needs no write.
    if (changes > 0 && until > this.#forgottenUntil) {
      this.#forgottenUntil = until;
      this.#db
        .prepare("INSERT OR REPLACE INTO state VALUES ('forgotten_until', ?)")
        .run(this.#forgottenUntil);
    }
    this.#db
      .prepare("DELETE FROM command WHERE ended_utc < ?")
      .run(utcNow - this.#limits.commandMs);
  }
}

type CommandColumns = [
  string,
  string,
  string,
  number,
  number,
  number,
  Uint8Array,
  string,
  number,
  string | null,
];

/** Steps are for the report only: one that cannot be read does not hide its command. */
function stepOf(text: string | null): CommandStep | undefined {
  try {
    return text === null ? undefined : (JSON.parse(text) as CommandStep);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function crcOf(record: CommandRecord): number {
  const { commandId, kid, jti, iat, exp, seq, command } = record;
  return crc32(record.raw, crc32(JSON.stringify([commandId, kid, jti, iat, exp, seq, command])));
}
