/** One step of a diagnosis: its finding, its duration, and advice. */
import { performance } from 'node:perf_hooks'
import type { CheckId, CheckState, DiagnosisCheck, DiagnosisPart } from '../../contract/diagnose.ts'

export interface Finding {
  state: CheckState
  words: string
  details?: readonly (readonly [name: string, value: string])[]
  /** Advice, the most likely first. */
  advice?: readonly string[]
}

export interface Check extends DiagnosisCheck {
  advice: readonly string[]
}

const most = { words: 1_000, name: 100, value: 2_000, details: 40 }

export function toCheck(part: DiagnosisPart, id: CheckId, finding: Finding, ms = 0): Check {
  const { state, words, details = [], advice = [] } = finding
  return {
    id,
    part,
    state,
    words: oneLine(words).slice(0, most.words),
    details: details.slice(0, most.details).map(([name, value]) => ({
      name: oneLine(name).slice(0, most.name),
      value: oneLine(value).slice(0, most.value),
    })),
    ms: Math.round(ms),
    advice,
  }
}

export function skipped(part: DiagnosisPart, id: CheckId, words: string): Check {
  return toCheck(part, id, { state: 'skipped', words })
}

/** Runs a step; an error becomes a failed check with the error's words. */
export async function timed(part: DiagnosisPart, id: CheckId, step: () => Promise<Finding>): Promise<Check> {
  const began = performance.now()
  const finding = await step().catch((error: unknown): Finding => ({ state: 'failed', words: wordsOf(error) }))
  return toCheck(part, id, finding, performance.now() - began)
}

/**
 * Rejects with TooLate at the timeout or when the signal aborts; the work itself continues, and its outcome is ignored.
 */
export async function within<T>(ms: number, signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const end = () => reject(new TooLate())
  const timer = setTimeout(end, ms)
  signal.addEventListener('abort', end, { once: true })
  work.catch(() => undefined)
  try {
    if (signal.aborted) end()
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}

export class TooLate extends Error {
  constructor() {
    super('The server did not answer in time.')
  }
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Returns a server's words as one line. */
export function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\ufff9-\ufffb]+/gu, ' ')
    .trim()
}
