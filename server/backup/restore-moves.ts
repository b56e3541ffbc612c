/**
 * Puts the files of a restored backup into their places, and those that were there beside them. What is to be moved is written down
 * first, so that a restore that was killed between two of them is finished by running it again.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { renameDurably, replaceFileSync, syncDirectory } from '../platform/durable-file.ts'

const Move = z.strictObject({
  /** `keep`: of before, beside it. `put`: of the backup, into its place. */
  kind: z.enum(['keep', 'put']),
  from: z.string(),
  to: z.string(),
})
const Journal = z.strictObject({
  version: z.literal(1),
  /** The file that is restored. */
  backup: z.string(),
  made_at: z.string(),
  /** In this order. */
  moves: z.array(Move),
})
export type Journal = z.infer<typeof Journal>

/** From here on the restore is decided. */
export function writeJournal(file: string, journal: Journal): void {
  replaceFileSync(file, JSON.stringify(journal))
}

/** Undefined when no restore is under way. */
export function readJournal(file: string): Journal | undefined {
  if (!existsSync(file)) return undefined
  try {
    return Journal.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (cause) {
    throw new Error(`${file} does not hold what RustyMail writes there`, { cause })
  }
}

/** Whatever was moved already stays where it is. */
export function finishMoves(file: string, { moves }: Journal): void {
  for (const { kind, from, to } of moves) {
    // What stands in the place of one that was kept is the new one already.
    const isDone = kind === 'keep' ? existsSync(to) || !existsSync(from) : !existsSync(from)
    if (!isDone) renameDurably(from, to)
  }
  rmSync(file)
  syncDirectory(dirname(file))
}
