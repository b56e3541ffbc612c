/** The form of a draft: its changed fields, and merging with edits that someone else made meanwhile. */

import type { Draft, DraftChange } from '../../contract/draft.ts'
import { lowerAscii } from '../platform/ascii-case.ts'
import { type Recipient, recipientsOf, toInput, validOf } from './recipients.ts'

export interface DraftForm {
  from_email: string
  to: readonly Recipient[]
  cc: readonly Recipient[]
  bcc: readonly Recipient[]
  subject: string
  content: string
  include_quote: boolean
  include_signature: boolean
}

export type FormField = keyof DraftForm
export const formFields = [
  'from_email',
  'to',
  'cc',
  'bcc',
  'subject',
  'content',
  'include_quote',
  'include_signature',
] as const

export const fieldWords: Record<FormField, string> = {
  from_email: 'From',
  to: 'To',
  cc: 'Cc',
  bcc: 'Bcc',
  subject: 'Subject',
  content: 'Text',
  include_quote: 'Quoted message',
  include_signature: 'Signature',
}

export function formOf(draft: Draft): DraftForm {
  const { from, to, cc, bcc, subject, body, include_quote, include_signature } = draft
  const people = { to: recipientsOf(to), cc: recipientsOf(cc), bcc: recipientsOf(bcc) }
  return { from_email: from.email, ...people, subject, content: body.content, include_quote, include_signature }
}

/**
 * Returns the fields that differ as far as the server would see; recipients that are not valid addresses yet are not
 * sent to it.
 */
export function changedFields(before: DraftForm, now: DraftForm): FormField[] {
  return formFields.filter(field => keyOf(before[field]) !== keyOf(now[field]))
}

function keyOf(value: DraftForm[FormField]): string {
  return JSON.stringify(typeof value === 'object' ? validOf(value) : value)
}

/** Returns the changed fields as a request body; undefined if nothing changed. */
export function changeOf(
  before: DraftForm,
  now: DraftForm,
  { rev, body: { format } }: Pick<Draft, 'rev' | 'body'>,
): DraftChange | undefined {
  const fields = changedFields(before, now)
  if (fields.length === 0) return undefined
  const entries = fields.map(field => {
    const value = now[field]
    if (field === 'content') return ['body', { format, content: now.content }]
    return [field, typeof value === 'object' ? validOf(value).map(toInput) : value]
  })
  return { rev, ...Object.fromEntries(entries) }
}

/**
 * Merges two edits of `base`: a field that only one side changed is taken from that side. A field that both changed
 * differently is a conflict, in which `mine` stays on screen until the user decides.
 */
export function mergeForms(
  base: DraftForm,
  mine: DraftForm,
  theirs: DraftForm,
): { form: DraftForm; conflicts: FormField[] } {
  const ours = new Set(changedFields(base, mine))
  const others = new Set(changedFields(base, theirs))
  const both = new Set(changedFields(mine, theirs))
  const conflicts = formFields.filter(field => ours.has(field) && others.has(field) && both.has(field))
  const taken = formFields.filter(field => others.has(field) && !ours.has(field))
  const form: DraftForm = { ...mine, ...Object.fromEntries(taken.map(field => [field, theirs[field]])) }
  return { form, conflicts }
}

/** Keeps both versions of a field: both texts, or the recipients of both. */
export function keepBoth(field: FormField, mine: DraftForm, theirs: DraftForm): DraftForm {
  if (field === 'content') return { ...mine, content: `${mine.content}\n\n${theirs.content}` }
  if (field === 'subject') return { ...mine, subject: `${mine.subject} / ${theirs.subject}` }
  const [own, other] = [mine[field], theirs[field]]
  if (typeof own !== 'object' || typeof other !== 'object') return mine
  const known = new Set(own.map(({ email }) => lowerAscii(email)))
  return { ...mine, [field]: [...own, ...other.filter(({ email }) => !known.has(lowerAscii(email)))] }
}

export function wordsOfField(field: FormField, form: DraftForm): string {
  const value = form[field]
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return value || '(empty)'
  return value.map(({ email }) => email).join(', ') || '(nobody)'
}
