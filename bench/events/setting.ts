/**
 * What every part of the event benchmark gets: the amount of work, the load generator, and a way to report progress.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Setting {
  /** Streams, 10,000 unless BENCH_STREAMS says otherwise; a part that needs fewer uses a share of them. */
  streams: number
  rounds: number
  /** Seconds of a measured step. */
  seconds: number
  /** Path of the load generator built from bench/peers. */
  load: string
  cbcast: string
}

/** A part returns unrounded figures; they are rounded at the end. */
export interface PartResult {
  what: string
  /** Gaps, duplicates and out-of-order events seen by a reader of RustyMail. */
  faults: number
}

export const peers = join(import.meta.dirname, '..', 'peers')

/** Builds the load generator, which needs cc. The caller calls `remove`. */
export function prepare(): Setting & { remove(): void } {
  const built = mkdtempSync(join(tmpdir(), 'rustymail-peers-'))
  const remove = () => rmSync(built, { recursive: true, force: true })
  try {
    for (const name of ['sse-load', 'cbcast']) {
      execFileSync('cc', ['-O2', '-o', join(built, name), join(peers, `${name}.c`)], { stdio: 'ignore' })
    }
  } catch (error) {
    remove()
    throw error
  }
  const { BENCH_STREAMS, BENCH_ROUNDS, BENCH_SECONDS } = process.env
  return {
    streams: Number(BENCH_STREAMS ?? 10_000),
    rounds: Number(BENCH_ROUNDS ?? 3),
    seconds: Number(BENCH_SECONDS ?? 3),
    load: join(built, 'sse-load'),
    cbcast: join(built, 'cbcast'),
    remove,
  }
}

/** Prints to stderr: stdout is for the result. */
export function say(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)
}
