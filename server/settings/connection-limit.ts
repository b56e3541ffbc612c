/**
 * The default limit of IMAP connections of the whole server: as many as its accounts need and its file descriptors
 * allow.
 */
import { readFileSync } from 'node:fs'

/**
 * The limit grows in steps, since principals that see only some accounts see it, and must not count the others by it.
 * The last step is the contract's maximum.
 */
const steps = [100, 250, 500, 1_000, 2_500, 5_000, 10_000]
/** Connections per account: one that watches, and one for requests; further ones of its pool use spare room. */
const perAccount = 2
/** Additional connections for trials of servers, and for accounts that use their whole pool. */
const spare = 20
/** The assumed limit if it cannot be determined. */
const usualFiles = 1024

/**
 * @param files Files that this process may open. Half of them are reserved for clients, event streams and the database.
 */
export function connectionLimit(accounts: number, files: number): number {
  const needed = perAccount * accounts + spare
  const wanted = steps.find(step => step >= needed) ?? steps.at(-1)!
  return Math.max(2, Math.min(wanted, Math.floor(files / 2)))
}

/** Returns `ulimit -n`, which Node raises to the hard limit at its start. */
export function openFileLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    if (soft === 'unlimited') return Number.POSITIVE_INFINITY
    return Number(soft) || usualFiles
  } catch {
    return usualFiles
  }
}
