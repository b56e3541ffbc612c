/** Maps errors of the mail server to outcomes for the messages of a step. */
import { Problem } from '../platform/problem.ts'
import type { ItemRow, PlacedItem } from './operation-tables.ts'
import type { Values, Verdicts } from './source-messages.ts'

/** Thrown to request a retry, which does what is not done yet. */
export class TryLater extends Error {
  constructor(cause: unknown) {
    super('an operation waits for another try', { cause })
    this.name = 'TryLater'
  }
}

const refusals = ['mail_server_refused', 'folder_not_found', 'folder_not_selectable', 'stale_ref', 'bad_request']

/** Whether the server refused this command; any other fault may be over by the next attempt. */
export function isRefusal({ code, extension }: Problem): boolean {
  return refusals.includes(code) && extension.fault === undefined
}

export function failed(items: readonly PlacedItem[], error: unknown): { verdicts: Verdicts; intent: undefined } {
  if (!(error instanceof Problem)) throw error
  const values: Values = { state: 'failed', code: error.code, why: wordsOf(error) }
  return { verdicts: new Map(items.map(item => [item, values])), intent: undefined }
}

export function unknown(items: readonly PlacedItem[], error: unknown): Verdicts {
  if (!(error instanceof Problem)) throw error
  const values: Values = { state: 'unknown', code: 'unknown', why: wordsOf(error) }
  return new Map(items.map(item => [item, values]))
}

export function toChanges(verdicts: Verdicts): { item: ItemRow; values: Values }[] {
  return [...verdicts].map(([item, values]) => ({ item, values }))
}

const maxWords = 300

/** Returns the message of a problem, with the response of the mail server if there is one. */
export function wordsOf({ message, extension }: Problem): string {
  const words = extension.server_response ? `${message} (${extension.server_response})` : message
  return words.slice(0, maxWords)
}
