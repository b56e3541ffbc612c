/** How many IMAP connections the whole server may have, where nobody has said: as many as its accounts need, and its file descriptors allow. */
import { readFileSync } from 'node:fs'

/** In steps: principals that see only some accounts see the limit, and must not count the others by it. The last is what the contract allows. */
const steps = [100, 250, 500, 1_000, 2_500, 5_000, 10_000]
/** One that watches, and one for requests: the others of its pool are opened where there is room. */
const perAccount = 2
/** Beside them: trials of servers, and accounts that use all of their pool. */
const spare = 20
/** What may be open where that cannot be found out. */
const usualFiles = 1024

/** @param files Open files that this process may have. Half of them are left to people, event streams and the database. */
export function connectionLimit(accounts: number, files: number): number {
  const needed = perAccount * accounts + spare
  const wanted = steps.find(step => step >= needed) ?? steps.at(-1)!
  return Math.max(2, Math.min(wanted, Math.floor(files / 2)))
}

/** `ulimit -n`, which Node raises to the hard limit at its start. */
export function openFileLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (soft === 'unlimited') return Number.POSITIVE_INFINITY
    return Number(soft) || usualFiles
  } catch {
    return usualFiles
  }
}
