/** Ids of messages and threads, derived from content so that they survive moves, UIDVALIDITY changes and rebuilds. */
import { hash } from 'node:crypto'
import type { MessageRecord } from './index-types.ts'

const idBytes = 15

/**
 * Returns a key that identifies a message on its server regardless of its folder. Without an id from the server,
 * messages with equal Message-ID, INTERNALDATE and size are the same.
 */
export function identityOf(accountId: string, record: MessageRecord): string {
  const { emailId, messageId, date, sizeBytes, from, subject } = record
  if (emailId !== null) return JSON.stringify([accountId, 'email', emailId])
  const received = secondsOf(date)
  if (messageId !== null) return JSON.stringify([accountId, 'message', messageId, received, sizeBytes])
  const senders = from.map(({ name, email }) => [name, email])
  return JSON.stringify([accountId, 'other', received, sizeBytes, subject, senders])
}

/** @param copy Number that gives identical messages of one folder distinct ids, so that none is hidden. */
export function idOf(identity: string, copy: number): Buffer {
  // A digest as a buffer would be a separate allocation to be freed, thousands per batch.
  return Buffer.from(hash('sha256', copy === 0 ? identity : `${identity}${copy}`, 'hex').slice(0, 2 * idBytes), 'hex')
}

/** Returns an id as text of 20 characters. */
export function messageIdText(id: Uint8Array): string {
  return Buffer.from(id).toString('base64url')
}

/** Parses a message id; undefined if it cannot be one. */
export function messageIdBytes(text: string): Buffer | undefined {
  return /^[A-Za-z0-9_-]{20}$/.test(text) ? Buffer.from(text, 'base64url') : undefined
}

export function threadIdText(thread: number): string {
  return thread.toString(36)
}

/** Parses a thread id; undefined if it cannot be one. */
export function threadNumber(text: string): number | undefined {
  if (!/^[a-z0-9]{1,11}$/.test(text)) return undefined
  const number = Number.parseInt(text, 36)
  return Number.isSafeInteger(number) ? number : undefined
}

/**
 * Returns a hash of 47 bits, which SQLite stores in six bytes instead of eight; each message has several. Among one
 * million there is a collision with a probability of 0.4 %.
 */
export function shortHash(text: string): number {
  const digest = hash('sha256', text, 'hex')
  return (Number.parseInt(digest.slice(0, 8), 16) & 0x7fff) * 2 ** 32 + Number.parseInt(digest.slice(8, 16), 16)
}

/** Converts a date to seconds, the resolution of INTERNALDATE. An invalid date counts as the oldest. */
export function secondsOf(date: string): number {
  const milliseconds = Date.parse(date)
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000)
}
