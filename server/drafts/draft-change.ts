/** Lays what a caller wants over what a draft holds. */
import type { DraftBody, DraftChange } from '../../contract/draft.ts'
import { checkCount, readRecipients } from './draft-recipients.ts'
import type { DraftContent } from './draft-tables.ts'
import { headerName } from './header-forms.ts'

export type Wanted = Omit<DraftChange, 'rev'>

export const emptyContent: DraftContent = {
  fromName: null,
  replyTo: [],
  to: [],
  cc: [],
  bcc: [],
  subject: '',
  body: { format: 'markdown', content: '' },
  includeQuote: true,
  includeSignature: true,
  signature: null,
}

/** @param signature Of the account as it is now. @throws Problem for recipients that are none. */
export function withChange(before: DraftContent, wanted: Wanted, signature: DraftBody | null): DraftContent {
  const after: DraftContent = {
    fromName: wanted.from_name === undefined ? before.fromName : headerName(wanted.from_name ?? '') || null,
    replyTo: wanted.reply_to ? readRecipients(wanted.reply_to, 'body.reply_to') : before.replyTo,
    to: wanted.to ? readRecipients(wanted.to, 'body.to') : before.to,
    cc: wanted.cc ? readRecipients(wanted.cc, 'body.cc') : before.cc,
    bcc: wanted.bcc ? readRecipients(wanted.bcc, 'body.bcc') : before.bcc,
    subject: wanted.subject === undefined ? before.subject : oneLineOf(wanted.subject),
    body: wanted.body ?? before.body,
    includeQuote: wanted.include_quote ?? before.includeQuote,
    includeSignature: wanted.include_signature ?? before.includeSignature,
    signature: before.signature,
  }
  checkCount(after)
  // As it was when it was included: the same revision stays the same message.
  if (after.includeSignature !== before.includeSignature) after.signature = after.includeSignature ? signature : null
  return after
}

/** The contract lets no control character through; these end a line for some programs all the same. */
function oneLineOf(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}
