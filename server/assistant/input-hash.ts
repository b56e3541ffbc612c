/**
 * Hashes the exact input of a call, to bind a decision to it: independent of the order of object members, and otherwise
 * complete.
 */
import { hash, timingSafeEqual } from 'node:crypto'

export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value)) ?? 'null'
}

export function inputHash(name: string, input: unknown): string {
  return hash('sha256', canonicalJson({ name, input: input ?? null }), 'hex')
}

/** Compares in constant time. */
export function isSameHash(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one, 'latin1'), Buffer.from(other, 'latin1'))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]))
}
