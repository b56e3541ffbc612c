/** A message for models, without its body: people, date, attachments and invitation. */
import { z } from 'zod'
import type { Calendar, CalendarTime, Message } from '../../contract/mail.ts'
import type { AccountService } from '../accounts/account-service.ts'
import { onlyAccount } from '../accounts/only-account.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { cleanLine } from '../reading/stranger-text.ts'
import { brief } from '../tools/tool.ts'
import type { View } from './body-piece.ts'
import { Person, toPerson } from './mail-address.ts'
import type { UncomparedMessage } from './mail-service.ts'

/**
 * A message in tool calls. Its reference includes the account unless there is only one, so that models need not pass
 * it.
 */
interface NamedMessage {
  /** Undefined means the only account that the principal sees. */
  accountId: string | undefined
  /** An id or a reference as in REST, which is signed for this account. */
  ref: string
}

/** An account id. */
export const ToolAccount = z.string().regex(/^[\w-]{1,40}$/, 'is not an id of mail_accounts')

/** Account and reference, separated by a dot, which neither contains. */
export const ToolRef = z.string().regex(/^(?:[\w-]{1,40}\.)?[\w-]{8,700}$/, 'is not a ref of mail_search')

export function toToolRef({ accountId, ref }: NamedMessage): string {
  return accountId === undefined ? ref : `${accountId}.${ref}`
}

/** @param text A `ToolRef`. */
export function fromToolRef(text: string): NamedMessage {
  const dot = text.indexOf('.')
  return dot < 0 ? { accountId: undefined, ref: text } : { accountId: text.slice(0, dot), ref: text.slice(dot + 1) }
}

/**
 * Returns the account of the messages.
 * @param refs At least one.
 * @throws Problem when they belong to several accounts, or name none where there are several.
 */
export async function accountOfRefs(
  accounts: Pick<AccountService, 'list'>,
  principal: Principal,
  refs: readonly string[],
): Promise<string> {
  const named = new Set(refs.map(ref => fromToolRef(ref).accountId))
  const [first] = named
  if (named.size > 1)
    throw new Problem('bad_request', 'refs: must be of one account; call again for those of another account.')
  return first ?? onlyAccount(accounts, principal)
}

/** Entries shown per list; the number of further ones is given. */
const maxPeople = 10
const maxAttachments = 20
const maxEvents = 5

/**
 * The invitation's own words. Fields other than the summary are self-explanatory, since the schema costs models tokens.
 */
const ReadCalendar = z
  .object({
    method: z.string().optional(),
    events: z.array(z.looseObject({ summary: z.string() })),
    more: z.int().optional(),
  })
  .meta(brief)

export const ReadMessage = z.object({
  ref: z.string(),
  from: z.array(Person),
  to: z.array(Person).optional(),
  cc: z.array(Person).optional(),
  reply_to: z.array(Person).optional(),
  sender: z.array(Person).optional(),
  more_people: z.int().optional(),
  warn: z.array(z.string()).optional(),
  auth: z.record(z.string(), z.string()).optional(),
  date: z.string(),
  subject: z.string(),
  message_id: z.string().optional(),
  flags: z.array(z.string()).optional(),
  labels: z.array(z.string()).optional(),
  untrusted_body: z.string().optional(),
  note: z.string().optional(),
  more: z.int().optional().describe('Characters left'),
  attachments: z
    .array(
      z.object({
        id: z.string(),
        name: z.string().optional(),
        type: z.string(),
        bytes: z.int(),
        ref: z.string().optional().describe('A message: read it'),
      }),
    )
    .optional(),
  more_attachments: z.int().optional(),
  calendar: ReadCalendar.optional(),
})
export type ReadMessage = z.infer<typeof ReadMessage>

export function headOf(ref: string, message: UncomparedMessage, view: View): ReadMessage {
  const { from, date, subject, sender_warnings: warnings, auth, attachments, calendar } = message
  const hidden = message.attachment_count - Math.min(attachments.length, maxAttachments)
  const lists = view === 'headers' ? listsOfHeaders : listsOfText
  const left = lists.reduce((sum, list) => sum + countOf(message, list) - Math.min(message[list].length, maxPeople), 0)
  return {
    ref,
    ...peopleOf(message, lists),
    from: from.slice(0, maxPeople).map(toPerson),
    ...(left > 0 && { more_people: left }),
    ...(warnings.length > 0 && { warn: warnings }),
    ...(auth && { auth: authOf(auth) }),
    date,
    subject: cleanLine(subject),
    ...(view === 'headers' && headersOf(message)),
    ...(attachments.length > 0 && {
      attachments: attachments.slice(0, maxAttachments).map(file => fileOf(file, fromToolRef(ref).accountId)),
    }),
    ...(hidden > 0 && { more_attachments: hidden }),
    ...(calendar && { calendar: calendarOf(calendar) }),
  }
}

type PeopleList = 'from' | 'sender' | 'to' | 'cc' | 'reply_to'

const listsOfText: readonly PeopleList[] = ['from', 'sender', 'to']
const listsOfHeaders: readonly PeopleList[] = [...listsOfText, 'cc', 'reply_to']

function peopleOf(message: UncomparedMessage, lists: readonly PeopleList[]): Record<string, Person[]> {
  const named = lists.filter(list => message[list].length > 0)
  return Object.fromEntries(named.map(list => [list, message[list].slice(0, maxPeople).map(toPerson)]))
}

/** Returns the total, of which the message holds the first ones. */
function countOf(message: UncomparedMessage, list: PeopleList): number {
  return list === 'sender' ? message.sender.length : message[`${list}_count`]
}

function authOf({ unsigned, ...auth }: NonNullable<Message['auth']>): Record<string, string> {
  const named = Object.entries({ ...auth, unsigned: unsigned.join(' ') || null })
  return Object.fromEntries(named.flatMap(([name, value]) => (value === null ? [] : [[name, value]])))
}

function headersOf({ message_id, flags, keywords }: UncomparedMessage): Partial<ReadMessage> {
  return {
    ...(message_id !== null && { message_id: cleanLine(message_id) }),
    ...(flags.length > 0 && { flags }),
    ...(keywords.length > 0 && { labels: keywords.map(keyword => cleanLine(keyword)) }),
  }
}

function fileOf(
  { id, name, type, size_bytes, message_ref: ref }: Message['attachments'][number],
  accountId: string | undefined,
) {
  const words = cleanLine(name ?? '')
  return {
    id: cleanLine(id),
    ...(words !== '' && { name: words }),
    type: cleanLine(type),
    bytes: size_bytes,
    ...(ref !== null && { ref: toToolRef({ accountId, ref }) }),
  }
}

function calendarOf({ method, events, event_count: count }: Calendar): z.infer<typeof ReadCalendar> {
  const shown = events.slice(0, maxEvents)
  return {
    ...(method !== null && { method: cleanLine(method) }),
    events: shown.map(event => ({
      summary: cleanLine(event.summary),
      ...(event.location !== null && { location: cleanLine(event.location) }),
      ...(event.start && { start: timeOf(event.start) }),
      ...(event.end && { end: timeOf(event.end) }),
      ...(event.recurrence !== null && { recurrence: cleanLine(event.recurrence) }),
      ...(event.recurrence_words !== null && { repeats: event.recurrence_words }),
      ...(event.exceptions > 0 && { exceptions: event.exceptions }),
      ...(event.additions > 0 && { additions: event.additions }),
      ...(event.status !== null && { status: cleanLine(event.status) }),
      ...(event.organizer && { organizer: toPerson(event.organizer) }),
      ...(event.attendees.length > 0 && { attendees: event.attendees.slice(0, maxPeople).map(toPerson) }),
      ...(event.attendee_count > maxPeople && { more_attendees: event.attendee_count - maxPeople }),
    })),
    ...(count > shown.length && { more: count - shown.length }),
  }
}

function timeOf({ local, time_zone: zone, utc }: CalendarTime): { local: string; zone?: string; utc?: string } {
  return { local: cleanLine(local), ...(zone !== null && { zone: cleanLine(zone) }), ...(utc !== null && { utc }) }
}
