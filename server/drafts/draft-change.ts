/** Applies what a caller wants to the content of a draft. */
import type { DraftChange } from '../../contract/draft.ts'
import type { Address } from '../../contract/mail.ts'
import { Problem } from '../platform/problem.ts'
import { checkCount, readRecipients } from './draft-recipients.ts'
import type { DraftContent } from './draft-tables.ts'
import { headerName } from './header-forms.ts'
import { type Identity, senderOf } from './identity-service.ts'

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

/**
 * @param identity The account's current identity. @throws Problem for invalid recipients, and for senders that are not
 * the owner's.
 */
export function withChange(
  before: DraftContent,
  wanted: Wanted,
  identity: Pick<Identity, 'senders' | 'signature'>,
): DraftContent {
  const { signature } = identity
  const after: DraftContent = {
    ...fromOf(before, wanted, identity),
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
  // The signature is stored when it is included, so that the same revision stays the same message.
  if (after.includeSignature !== before.includeSignature) after.signature = after.includeSignature ? signature : null
  return after
}

/**
 * A chosen address brings its own name, unless a name is given. The account's own address is stored as null, since it
 * may change.
 */
function fromOf(
  before: DraftContent,
  wanted: Wanted,
  { senders }: Pick<Identity, 'senders'>,
): Pick<DraftContent, 'fromEmail' | 'fromName'> {
  const [own] = senders
  const isChosen = wanted.from_email !== undefined
  const email = isChosen ? (wanted.from_email ?? own?.email ?? null) : (before.fromEmail ?? null)
  const sender = senderOf(senders, email)
  if (isChosen && !sender) {
    const message = 'is none of the addresses of this account'
    throw new Problem('bad_request', `from_email ${message}.`, { errors: [{ path: 'body.from_email', message }] })
  }
  const name = isChosen && sender ? sender.name : before.fromName
  return {
    fromEmail: sender && sender === own ? null : (sender?.email ?? email),
    fromName: wanted.from_name === undefined ? name : headerName(wanted.from_name ?? '') || null,
  }
}

/**
 * Returns the sender of a reply: the address to which the message was sent, else the sender of new messages. Tags are
 * ignored (`ann+shop@…`).
 */
export function answeringSender(
  { senders, sender }: Pick<Identity, 'senders' | 'sender'>,
  sentTo: readonly string[],
): Address {
  for (const email of sentTo) {
    const found = senderOf(senders, email) ?? senderOf(senders, email.replace(/\+[^@]*@/, '@'))
    if (found) return found
  }
  return sender
}

/** The contract accepts no control characters; U+2028 and U+2029 end a line for some programs all the same. */
function oneLineOf(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim()
}
