/** Ids of messages and threads: derived from what a message is, so that they survive moves, a new UIDVALIDITY and a rebuilt index. */
import { hash } from 'node:crypto'
import type { MessageRecord } from './index-types.ts'

const idBytes = 15

/**
 * What identifies a message on its server, whatever folder it is in. Where it has no id of the server's, two messages are the same
 * when Message-ID, INTERNALDATE and size are.
 */
export function identityOf(accountId: string, record: MessageRecord): string {
  const { emailId, messageId, date, sizeBytes, from, subject } = record
  if (emailId !== null) return JSON.stringify([accountId, 'email', emailId])
  const received = secondsOf(date)
  if (messageId !== null) return JSON.stringify([accountId, 'message', messageId, received, sizeBytes])
  const senders = from.map(({ name, email }) => [name, email])
  return JSON.stringify([accountId, 'other', received, sizeBytes, subject, senders])
}

/** @param copy Which of several equal messages in one folder it is: each has an id of its own, so that none is hidden. */
export function idOf(identity: string, copy: number): Buffer {
  // As a buffer each would have memory of its own, which is freed by itself: of a batch that are thousands.
  return Buffer.from(hash('sha256', copy === 0 ? identity : `${identity}${copy}`, 'hex').slice(0, 2 * idBytes), 'hex')
}

/** 20 characters. */
export function messageIdText(id: Uint8Array): string {
  return Buffer.from(id).toString('base64url')
}

/** Undefined for what no message has. */
export function messageIdBytes(text: string): Buffer | undefined {
  return /^[A-Za-z0-9_-]{20}$/.test(text) ? Buffer.from(text, 'base64url') : undefined
}

export function threadIdText(thread: number): string {
  return thread.toString(36)
}

/** Undefined for what no thread has. */
export function threadNumber(text: string): number | undefined {
  if (!/^[a-z0-9]{1,11}$/.test(text)) return undefined
  const number = Number.parseInt(text, 36)
  return Number.isSafeInteger(number) ? number : undefined
}

/**
 * 47 bits, which SQLite stores in six bytes, and more in eight: several such numbers belong to each message. One million of them have two
 * alike with a probability of 0.4 %.
 */
export function shortHash(text: string): number {
  const digest = hash('sha256', text, 'hex')
  return (Number.parseInt(digest.slice(0, 8), 16) & 0x7fff) * 2 ** 32 + Number.parseInt(digest.slice(8, 16), 16)
}

/** INTERNALDATE has no smaller unit. A date that cannot be read counts as the oldest. */
export function secondsOf(date: string): number {
  const milliseconds = Date.parse(date)
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000)
}
