/**
 * Describes what a tool call would do, for the person who is asked: from the server's own data, never in a model's
 * words. A part of the composition root.
 */
import type { Draft } from '../contract/draft.ts'
import type { DraftService } from './drafts/draft-service.ts'
import type { Principal } from './platform/principal.ts'

/** Recipients that a summary names; of the rest only the number is given. */
const maxRecipients = 8

export async function describeCall(
  drafts: Pick<DraftService, 'accountOf' | 'get'>,
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
      return sendWords(await drafts.get(principal, accountId, id), Number(given.rev), given.at)
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

function sendWords({ rev, to, cc, bcc, subject, attachments }: Draft, wanted: number, at: unknown): string {
  if (rev !== wanted)
    return `The draft has changed since: it has revision ${rev}, and ${wanted} was asked for. It will not be sent.`
  const people = [...to, ...cc, ...bcc].map(({ email }) => email)
  const files = attachments.length === 0 ? '' : ` with ${attachments.length} attachments`
  const when = typeof at === 'string' ? ` at ${at}` : ''
  return `Sends to exactly ${people.length}: ${listed(people)}${files}${when}. Revision ${rev}, subject: ${subject}`
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
