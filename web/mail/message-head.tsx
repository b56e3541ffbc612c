/** Subject, people and times of a message. */

import { CornerUpLeft, Star } from 'lucide-react'
import { type ReactNode, type RefObject, useState } from 'react'
import type { Address, Message, SenderAuth } from '../../contract/mail.ts'
import { lowerAscii } from '../platform/ascii-case.ts'
import { formatDateTime, formatNumber } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { Badge, ToneIcon } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import type { Tone } from '../ui/tone.ts'
import { addressWords, asciiDomain } from './address-words.ts'
import { KeywordBadges } from './keyword-badges.tsx'
import { authWords, subjectOf, warningWords } from './mail-words.ts'

/** Maximum people shown; longer lists expand on click. */
const mostShown = 4
/** Milliseconds by which the Date header may differ from the mail server's time before both are shown. */
const toleranceMs = 10 * 60_000

export function MessageHead({
  message,
  heading,
  isPart = false,
  children,
}: {
  message: Message
  heading: RefObject<HTMLHeadingElement | null>
  /** Whether it is part of a conversation, which shows subject and sender above it. */
  isPart?: boolean
  children?: ReactNode
}) {
  // On phones the details start collapsed, so that the text comes first.
  const [isWhole, setWhole] = useState(false)
  const extra = isWhole ? undefined : isPart ? 'hidden' : 'max-md:hidden'
  const actions = isWhole ? undefined : isPart ? 'max-lg:hidden' : 'max-md:hidden'
  const { from, to, cc, bcc, reply_to: replyTo, sender, date, sent_at: sentAt, flags } = message
  const isLate = sentAt !== null && Math.abs(Date.parse(date) - Date.parse(sentAt)) > toleranceMs
  const isAnsweredElsewhere = replyTo.length > 0 && addressesOf(replyTo) !== addressesOf(from)
  return (
    <header className={classNames('grid shrink-0 grid-cols-1 gap-2 px-4 py-2', !isPart && 'border-b md:py-4')}>
      {!isPart && (
        <h2 ref={heading} tabIndex={-1} dir="auto" className="text-lg font-semibold outline-none">
          <bdi>{subjectOf(message)}</bdi>
        </h2>
      )}
      <dl className="grid gap-0.5 text-sm">
        <People label="From" people={from} count={message.from_count} />
        <People label="Sent by" people={sender} count={sender.length} />
        {isPart && (
          <Line label="Subject" className={extra}>
            <bdi>{subjectOf(message)}</bdi>
          </Line>
        )}
        <People label="To" people={to} count={message.to_count} className={extra} />
        <People label="Cc" people={cc} count={message.cc_count} className={extra} />
        <People label="Bcc" people={bcc} count={message.bcc_count} className={extra} />
        {isAnsweredElsewhere && <People label="Reply to" people={replyTo} count={message.reply_to_count} />}
        <Line label={sentAt ? 'Date' : 'Received'} className={isPart ? extra : undefined}>
          <Time at={sentAt ?? date} />
        </Line>
        {isLate && (
          <Line label="Received">
            <Time at={date} />
          </Line>
        )}
      </dl>
      <SenderNotes message={message} />
      <p className="flex flex-wrap gap-1.5 empty:hidden max-md:items-center">
        <button
          type="button"
          aria-expanded={isWhole}
          onClick={() => setWhole(!isWhole)}
          className={classNames('min-h-6 rounded-sm text-xs font-medium text-accent', !isPart && 'md:hidden')}
        >
          {isWhole ? 'Fewer details' : 'To and other details'}
        </button>
        {!isPart && !flags.includes('seen') && <Badge tone="info">Unread</Badge>}
        <KeywordBadges keywords={message.keywords} most={20} />
        {flags.includes('deleted') && <Badge tone="unknown">Marked as deleted</Badge>}
        {!isPart && flags.includes('draft') && <Badge tone="info">Draft</Badge>}
        {flags.includes('flagged') && (
          <Badge tone="warn">
            <Star className="size-3 fill-current" aria-hidden="true" /> Flagged
          </Badge>
        )}
        {flags.includes('answered') && (
          <Badge>
            <CornerUpLeft className="size-3" aria-hidden="true" /> Answered
          </Badge>
        )}
        <span className={classNames('ml-auto empty:hidden', actions)}>{children}</span>
      </p>
    </header>
  )
}

const verdictTones: Record<SenderAuth['verdict'], Tone> = { verified: 'good', unverified: 'unknown', failed: 'bad' }

/** Suspicious signs of the sender, and the mail server's verdict; renders nothing if there are none. */
function SenderNotes({ message: { sender_warnings: warnings, auth } }: { message: Message }) {
  if (warnings.length === 0 && !auth) return null
  return (
    <ul aria-label="About the sender" className="grid grid-cols-1 gap-1 text-sm text-soft">
      {auth && (
        <Note tone={verdictTones[auth.verdict]}>
          {authWords(auth)} <span className="text-xs text-muted">{checksOf(auth)}</span>
        </Note>
      )}
      {warnings.map(warning => (
        <Note key={warning} tone="warn">
          {warningWords[warning]}
        </Note>
      ))}
    </ul>
  )
}

function Note({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <li className="flex items-start gap-2">
      <span className="mt-0.5">
        <ToneIcon tone={tone} />
      </span>
      <span className="min-w-0 wrap-anywhere">{children}</span>
    </li>
  )
}

function checksOf({ spf, dkim, dmarc }: SenderAuth): string {
  const results = Object.entries({ SPF: spf, DKIM: dkim, DMARC: dmarc }).filter(([, result]) => result !== null)
  return results.map(([name, result]) => `${name} ${result}`).join(', ')
}

/** A list of people. @param count The total, of which the server lists the first ones. */
function People({
  label,
  people,
  count,
  className,
}: {
  label: string
  people: readonly Address[]
  count: number
  className?: string | undefined
}) {
  const [isWhole, setWhole] = useState(false)
  if (people.length === 0) return null
  const shown = isWhole ? people : people.slice(0, mostShown)
  const hidden = count - shown.length
  return (
    <Line label={label} className={className}>
      {shown.map((person, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a person may be listed twice, and the list never changes
        <span key={index}>
          <Person person={person} />
          {index < shown.length - 1 && ', '}
        </span>
      ))}
      {hidden > 0 && shown.length === people.length && `, and ${formatNumber(hidden)} more, not listed`}
      {hidden > 0 && shown.length < people.length && (
        <button
          type="button"
          onClick={() => setWhole(true)}
          className="ml-1.5 rounded-sm font-medium text-accent hover:underline"
        >
          and {formatNumber(hidden)} more
        </button>
      )}
    </Line>
  )
}

/** A person's name, always with the address: anyone can choose any name. */
function Person({ person: { name, email } }: { person: Address }) {
  const ascii = asciiDomain(email)
  if (!name) return <bdi className="wrap-anywhere">{addressWords(email) || 'Unknown'}</bdi>
  // A group name has no address.
  if (!email) return <bdi className="wrap-anywhere text-ink">{visibleText(name)}</bdi>
  return (
    <>
      <bdi className="wrap-anywhere text-ink">{visibleText(name)}</bdi>{' '}
      <bdi className="wrap-anywhere text-muted">&lt;{visibleText(email)}&gt;</bdi>
      {ascii !== undefined && <bdi className="wrap-anywhere text-muted"> ({ascii})</bdi>}
    </>
  )
}

function Line({ label, className, children }: { label: string; className?: string | undefined; children: ReactNode }) {
  return (
    <div className={classNames('flex gap-2', className)}>
      <dt className="w-16 shrink-0 text-muted">{label}</dt>
      <dd className="min-w-0 flex-1 text-soft">{children}</dd>
    </div>
  )
}

function Time({ at }: { at: string }) {
  return <time dateTime={at}>{formatDateTime(Date.parse(at))}</time>
}

function addressesOf(people: readonly Address[]): string {
  return people.map(({ email }) => lowerAscii(email)).join()
}
