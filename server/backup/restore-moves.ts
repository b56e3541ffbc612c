/**
 * Moves the files of a restored backup into place, and the previous ones beside them. The moves are journaled first, so
 * that a restore that was killed in between is finished by running it again.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { renameDurably, replaceFileSync, syncDirectory } from '../platform/durable-file.ts'

const Move = z.strictObject({
  /** `keep` moves a previous file beside its place, `put` a restored one into place. */
  kind: z.enum(['keep', 'put']),
  from: z.string(),
  to: z.string(),
})
const Journal = z.strictObject({
  version: z.literal(1),
  /** The file of the backup. */
  backup: z.string(),
  made_at: z.string(),
  /** The moves in order. */
  moves: z.array(Move),
})
export type Journal = z.infer<typeof Journal>

/** Writes the journal; from here on the restore is committed. */
export function writeJournal(file: string, journal: Journal): void {
  replaceFileSync(file, JSON.stringify(journal))
}

/** Returns undefined if no restore is in progress. */
export function readJournal(file: string): Journal | undefined {
  if (!existsSync(file)) return undefined
  try {
    return Journal.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new Error(`${file} does not hold what RustyMail writes there`, { cause })
  }
}

/** Finishes the moves; idempotent. */
export function finishMoves(file: string, { moves }: Journal): void {
  for (const { kind, from, to } of moves) {
    // A file in the place of one that was kept is already the new one.
    const isDone = kind === 'keep' ? existsSync(to) || !existsSync(from) : !existsSync(from)
    if (!isDone) renameDurably(from, to)
  }
  rmSync(file)
  syncDirectory(dirname(file))
}
