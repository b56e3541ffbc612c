/**
 * Describes what a tool call would do, for the person who is asked: from the server's own data, never in a model's
 * words. A part of the composition root.
 */
import type { Draft } from '../contract/draft.ts'
import type { DraftService } from './drafts/draft-service.ts'
import { type DraftWriter, writersOf } from './drafts/draft-view.ts'
import type { Principal } from './platform/principal.ts'

/** Recipients that the summary names for a draft that is not sent; of the rest only the number is given. */
const maxRecipients = 8

export async function describeCall(
  drafts: Pick<DraftService, 'accountOf' | 'get' | 'getRow'>,
  principal: Principal,
  name: string,
  input: unknown,
): Promise<string | undefined> {
  if (typeof input !== 'object' || input === null) return undefined
  const given = input as Record<string, unknown>
  const count = Array.isArray(given.refs) ? given.refs.length : 0
  const messages = count === 1 ? '1 message' : `${count} messages`
  switch (name) {
    case 'mail_send': {
      const id = String(given.draft).slice(String(given.draft).indexOf('.') + 1)
      const accountId = await drafts.accountOf(principal, id)
      const others = writersOf(await drafts.getRow(principal, accountId, id)).filter(by => !isBy(by, principal))
      return sendWords(await drafts.get(principal, accountId, id), others, Number(given.rev), given.at)
    }
    case 'mail_draft': {
      const people = ['to', 'cc', 'bcc'].flatMap(field => addressesIn(given[field]))
      const kind = given.draft === undefined ? `Writes a draft (${String(given.mode ?? 'new')})` : 'Changes a draft'
      return `${kind}${people.length > 0 ? ` to ${listed(people)}` : ''}. Nothing is sent.`
    }
    case 'mail_move':
      return `Moves ${messages} to ${String(given.to)}.`
    case 'mail_update':
      return `Changes ${messages}: adds ${marks(given.add)}, removes ${marks(given.remove)}.`
    case 'mail_folder_edit':
      return `Folder: ${String(given.op)} ${String(given.path)}${given.to === undefined ? '' : ` to ${String(given.to)}`}.`
    default:
      return undefined
  }
}

/** Lists all recipients, Reply-To addresses and files; a summary that is too long is refused, not cut. */
function sendWords(draft: Draft, others: readonly DraftWriter[], wanted: number, at: unknown): string {
  const { rev, to, cc, bcc, reply_to: replyTo, subject, attachments } = draft
  if (rev !== wanted)
    return `The draft has changed since: it has revision ${rev}, and ${wanted} was asked for. It will not be sent.`
  const people = [...to, ...cc, ...bcc].map(({ email }) => email)
  const names = attachments.map(({ name }) => name).join(', ')
  const files = attachments.length === 0 ? '' : ` with ${attachments.length} attachments (${names})`
  const when = typeof at === 'string' ? ` at ${at}` : ''
  const replies = replyTo.length === 0 ? '' : ` Replies go to ${replyTo.map(({ email }) => email).join(', ')}.`
  const sends = `Sends to exactly ${people.length}: ${people.join(', ')}${files}${when}.${replies}`
  return `${sends} Revision ${rev}, subject: ${subject}${othersWords(draft, others)}`
}

/**
 * Shows the text of a draft that somebody else wrote, since the person has not seen it: a program, whose messages have
 * a policy and approvals, or another user. A text that is too long is refused, too.
 */
function othersWords({ body: { content } }: Draft, others: readonly DraftWriter[]): string {
  if (others.length === 0) return ''
  const named = others.map(({ kind, name }) => `the ${kind === 'session' ? 'user' : 'program'} ${name}`)
  return `. Not your draft, written by ${[...new Set(named)].join(' and ')}, with the text: ${content}`
}

/** Tokens act for a user, but write without one. */
function isBy({ kind, user_id: userId }: DraftWriter, person: Principal): boolean {
  return kind === 'session' && person.userId !== null && userId === person.userId
}

function addressesIn(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  return value.map(each => (typeof each === 'string' ? each : String((each as { email?: unknown }).email ?? '')))
}

function listed(people: readonly string[]): string {
  const rest = people.length - maxRecipients
  return `${people.slice(0, maxRecipients).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

function marks(value: unknown): string {
  return Array.isArray(value) && value.length > 0 ? value.join(', ') : 'nothing'
}
