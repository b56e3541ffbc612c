/** What every part of the event benchmark is given: how much to do, the load generator, and where to say how far it is. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Setting {
  /** 10,000 unless BENCH_STREAMS says otherwise; a part that wants fewer takes its share of it. */
  streams: number
  rounds: number
  /** Of a measured step. */
  seconds: number
  /** Built from bench/peers. */
  load: string
  cbcast: string
}

/** A part answers its figures as they are; they are rounded when all is known. */
export interface PartResult {
  what: string
  /** Gaps, doubles and order faults that a reader of RustyMail met. */
  faults: number
}

export const peers = join(import.meta.dirname, '..', 'peers')

/** Needs cc. The caller calls `remove`. */
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

/** On stderr: stdout is for the result. */
export function say(text: string): void {
  console.error(`${new Date().toISOString().slice(11, 19)} ${text}`)
}
