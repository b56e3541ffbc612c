/** The content of an invitation, as its author wrote it. */
import { CalendarDays } from 'lucide-react'
import type { ReactNode } from 'react'
import type { Address, Calendar, CalendarEvent, CalendarTime } from '../../contract/mail.ts'
import { formatCount, formatSpan } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'

const methodWords: Readonly<Record<string, string>> = {
  REQUEST: 'Invitation',
  CANCEL: 'Cancelled',
  REPLY: 'Reply to an invitation',
  PUBLISH: 'Event',
  COUNTER: 'New time proposed',
}
const statusWords: Readonly<Record<string, string>> = {
  ACCEPTED: 'accepted',
  DECLINED: 'declined',
  TENTATIVE: 'perhaps',
  'NEEDS-ACTION': 'not answered',
  DELEGATED: 'delegated',
}
/** Maximum attendees listed; the rest are counted. */
const mostAttendees = 8

export function CalendarCard({ calendar: { method, events, event_count: count } }: { calendar: Calendar }) {
  const [title = 'Event'] = method === null ? [] : [methodWords[method] ?? visibleText(method)]
  return (
    <section aria-label={title} className="grid shrink-0 grid-cols-1 gap-3 border-b bg-sunken px-4 py-3">
      {events.map((event, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: events may be equal, and the list never changes
        <Event key={index} event={event} title={title} />
      ))}
      {count > events.length && (
        <p className="text-xs text-muted">{formatCount(count - events.length, 'more event')}</p>
      )}
    </section>
  )
}

function Event({ event, title }: { event: CalendarEvent; title: string }) {
  const { summary, location, start, end, status, organizer, attendees, attendee_count: count } = event
  const shown = attendees.slice(0, mostAttendees)
  return (
    <div className="flex items-start gap-3">
      <CalendarDays className="mt-0.5 size-4 shrink-0 text-muted" aria-hidden="true" />
      <div className="grid min-w-0 grid-cols-1 gap-1">
        <p className="text-xs text-muted">
          {title}
          {event.recurrence_id && ', one occurrence of a series'}
          {status === 'CANCELLED' && title !== 'Cancelled' && ', cancelled'}
        </p>
        <h3 dir="auto" className="font-semibold wrap-anywhere">
          <bdi>{visibleText(summary) || 'Untitled'}</bdi>
        </h3>
        <dl className="grid grid-cols-1 gap-0.5 text-sm text-soft">
          {start && (
            <Line label="When">
              <Span start={start} end={end} />
            </Line>
          )}
          <Series event={event} />
          {location && (
            <Line label="Where">
              <bdi>{visibleText(location)}</bdi>
            </Line>
          )}
          {organizer && (
            <Line label="By">
              <Person person={organizer} />
            </Line>
          )}
          {shown.length > 0 && (
            <Line label="With">
              {shown.map((person, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: attendees may repeat, and the list never changes
                <span key={index}>
                  {index > 0 && ', '}
                  <Person person={person} />
                  {person.status !== null && ` (${statusWords[person.status] ?? visibleText(person.status)})`}
                </span>
              ))}
              {count > shown.length && ` and ${formatCount(count - shown.length, 'other')}`}
            </Line>
          )}
        </dl>
      </div>
    </div>
  )
}

/** How an event repeats. Rules that plain words cannot express are shown verbatim. */
function Series({ event }: { event: CalendarEvent }) {
  const { recurrence: rule, recurrence_words: words, exceptions, additions } = event
  if (rule === null && additions === 0) return null
  const more = [
    ...(rule !== null && additions > 0 ? [`and on ${formatCount(additions, 'other date')}`] : []),
    ...(exceptions > 0 ? [`with ${formatCount(exceptions, 'exception')}`] : []),
  ]
  return (
    <Line label="Repeats">
      {rule === null && `on ${formatCount(additions, 'other date')}`}
      {rule !== null && (words ?? <code className="text-xs">{visibleText(rule)}</code>)}
      {more.length > 0 && `, ${more.join(', ')}`}
    </Line>
  )
}

function Span({ start, end }: { start: CalendarTime; end: CalendarTime | null }) {
  if (start.utc !== null && (end === null || end.utc !== null)) {
    const from = Date.parse(start.utc)
    return <time dateTime={start.utc}>{formatSpan(from, Date.parse(end?.utc ?? start.utc))}</time>
  }
  return (
    <>
      <Time time={start} />
      {end && end.local !== start.local && (
        <>
          {' to '}
          <Time time={end} />
        </>
      )}
    </>
  )
}

/** A time in the reader's time zone; a floating time, or one in an unknown zone, is shown as written. */
function Time({ time: { local, time_zone: zone, utc } }: { time: CalendarTime }) {
  if (utc !== null) return <time dateTime={utc}>{formatSpan(Date.parse(utc), Date.parse(utc))}</time>
  return (
    <bdi>
      {visibleText(local.replace('T', ' '))}
      {zone !== null && ` (${visibleText(zone)})`}
    </bdi>
  )
}

function Person({ person: { name, email } }: { person: Address }) {
  return (
    <bdi className="wrap-anywhere">
      {name ? `${visibleText(name)} <${visibleText(email)}>` : visibleText(email) || 'Unknown'}
    </bdi>
  )
}

function Line({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex gap-2">
      <dt className="w-16 shrink-0 text-muted">{label}</dt>
      <dd className="min-w-0 flex-1 wrap-anywhere">{children}</dd>
    </div>
  )
}
