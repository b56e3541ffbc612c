/** What an error of the mail server means for the messages of a step. */
import { Problem } from '../platform/problem.ts'
import type { ItemRow, PlacedItem } from './operation-tables.ts'
import type { Values, Verdicts } from './source-messages.ts'

/** Nothing is lost: what is not done yet is done with a later try. */
export class TryLater extends Error {
  constructor(cause: unknown) {
    super('an operation waits for another try', { cause })
    this.name = 'TryLater'
  }
}

const refusals = ['mail_server_refused', 'folder_not_found', 'folder_not_selectable', 'stale_ref', 'bad_request']

/** Of this command; everything else that goes wrong with a mail server may be over with the next try. */
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

/** With those of the mail server. */
export function wordsOf({ message, extension }: Problem): string {
  const words = extension.server_response ? `${message} (${extension.server_response})` : message
  return words.slice(0, maxWords)
}
