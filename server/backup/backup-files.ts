/** Backups that are made by themselves, by name: which there are, in which order they were made, and which are too old. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

export interface BackupFile {
  name: string
  /** Counts up, so that a clock that was wrong neither puts them out of order nor makes the newest look old. */
  number: number
  madeAtMs: number
}

const pattern = /^rustymail-(\d{8})-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.db$/
/** Of one that was interrupted. */
const partial = /^rustymail-\d{8}-\d{8}T\d{6}Z\.db\.[0-9a-f]{8}\.partial(-wal|-shm|-journal)?$/

/** Oldest first. Every other file in the directory is somebody else's. */
export function listBackups(directory: string): BackupFile[] {
  const found = readdirSync(directory).flatMap(name => {
    const [, number, year, month, day, hour, minute, second] = pattern.exec(name) ?? []
    if (number === undefined) return []
    return [
      { name, number: Number(number), madeAtMs: Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) },
    ]
  })
  return found.toSorted((a, b) => a.number - b.number)
}

/** For the next one. */
export function nextBackup(directory: string, nowMs: number): string {
  const number = (listBackups(directory).at(-1)?.number ?? 0) + 1
  const time = new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `rustymail-${String(number).padStart(8, '0')}-${time}.db`
}

/** Leaves the newest `keep`. Answers what is gone. */
export function removeOldBackups(directory: string, keep: number): string[] {
  const old = listBackups(directory).slice(0, -keep)
  for (const { name } of old) rmSync(join(directory, name))
  return old.map(({ name }) => name)
}

/** What a kill left behind. None may be under way. */
export function removePartialBackups(directory: string): void {
  for (const name of readdirSync(directory)) if (partial.test(name)) rmSync(join(directory, name), { force: true })
}
