/** The capabilities of an account's mail servers in plain words, their limits, and the mailbox quota. */
import { useQuery } from '@tanstack/react-query'
import { Check, X } from 'lucide-react'
import type { AccountServers, MailboxQuota, QuotaLevel } from '../../contract/account-server.ts'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { call } from '../platform/api-client.ts'
import { formatBytes, formatCount, formatNumber } from '../platform/format.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { StatePill } from '../ui/badge.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { Panel } from '../ui/panel.tsx'
import { ProgressBar } from '../ui/progress-bar.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { Fact } from './account-facts.tsx'

/** Poll interval in milliseconds. The server checks the quota hourly, and announces it by a fact when it matters. */
const intervalMs = 5 * 60_000

export function ServerSection({ account: { id } }: { account: Account }) {
  const servers = useQuery({
    queryKey: queryKeys.servers(id),
    queryFn: ({ signal }) => call(api.accountServer.getServers, { params: { account_id: id }, signal }),
    refetchInterval: intervalMs,
  })
  return (
    <Panel
      title="Mail server"
      query={servers}
      intervalMs={intervalMs}
      isFlush={false}
      isEmpty={({ imap, smtp }) => imap === null && smtp === null}
      empty={<EmptyState title="Not known yet">Known after the first connection.</EmptyState>}
    >
      {data => (
        <div className="grid gap-4">
          {data.quota && <Quota quota={data.quota} />}
          <Limits servers={data} />
          <div className="grid items-start gap-x-8 gap-y-4 lg:grid-cols-2">
            {data.imap && (
              <Offers title="Incoming (IMAP)" words={imapWords} offers={data.imap.capabilities} at={data.imap.at} />
            )}
            {data.smtp && (
              <Offers title="Outgoing (SMTP)" words={smtpWords} offers={data.smtp.capabilities} at={data.smtp.at} />
            )}
          </div>
        </div>
      )}
    </Panel>
  )
}

const levelWords: Record<QuotaLevel, string> = { ok: 'OK', nearly_full: 'Nearly full', full: 'Full' }
const levelTones = { ok: 'good', nearly_full: 'warn', full: 'bad' } as const

function Quota({ quota }: { quota: MailboxQuota }) {
  const { level, used_bytes: used, limit_bytes: limit, used_messages: messages, limit_messages: most, at } = quota
  return (
    <div className="grid max-w-md gap-2">
      {used !== null && limit !== null && (
        <ProgressBar label="Room in the mailbox" value={used} max={limit} format={formatBytes} />
      )}
      {messages !== null && most !== null && (
        <ProgressBar label="Messages in the mailbox" value={messages} max={most} />
      )}
      <p className="flex flex-wrap items-center gap-2 text-xs text-muted">
        <StatePill tone={levelTones[level]}>{levelWords[level]}</StatePill>
        <span>
          Checked <RelativeTime at={at} />
        </span>
        {level === 'full' && <span>The server rejects mail to this address. Delete or move messages.</span>}
      </p>
    </div>
  )
}

function Limits({ servers: { imap, smtp, quota } }: { servers: AccountServers }) {
  const limit = imap?.connection_limit
  return (
    <dl className="grid grid-cols-2 gap-x-4 gap-y-3 text-sm lg:grid-cols-4">
      <Fact label="Connections allowed">
        {limit ? formatNumber(limit.connections) : 'No limit found'}
        {limit && (
          <span className="block text-xs text-muted">
            observed <RelativeTime at={limit.at} />
          </span>
        )}
      </Fact>
      <Fact label="Largest message sent">{smtp ? bytesOr(smtp.size_limit_bytes) : <Unknown />}</Fact>
      <Fact label="Largest message stored">{imap ? bytesOr(imap.append_limit_bytes) : <Unknown />}</Fact>
      {imap && quota === null && (
        <Fact label="Room in the mailbox">
          <span className="text-muted">
            {imap.capabilities.quota ? 'Not reported yet' : 'Not reported by the server'}
          </span>
        </Fact>
      )}
    </dl>
  )
}

function Unknown() {
  return <span className="text-muted">Not known</span>
}

function bytesOr(bytes: number | null): string {
  return bytes === null ? 'No limit named' : formatBytes(bytes)
}

/** What a capability is good for, and how mail works without it. */
interface OfferWords {
  word: string
  has: string
  lacks: string
}

const imapWords: Record<keyof NonNullable<AccountServers['imap']>['capabilities'], OfferWords> = {
  idle: {
    word: 'IDLE',
    has: 'Announces new mail immediately',
    lacks: 'Does not announce new mail: polled every 30 seconds',
  },
  condstore: {
    word: 'CONDSTORE',
    has: 'Reports changed flags',
    lacks: 'Flags are compared every ten rounds, message by message',
  },
  qresync: { word: 'QRESYNC', has: 'Reports removed messages', lacks: 'Removed messages are found by comparing' },
  object_ids: {
    word: 'OBJECTID',
    has: 'Messages keep an id when moved',
    lacks: 'Moved messages are recognised by their headers',
  },
  move: { word: 'MOVE', has: 'Moves messages in one step', lacks: 'Messages are copied and then deleted' },
  uidplus: {
    word: 'UIDPLUS',
    has: 'Deletes single messages permanently',
    lacks: 'Cannot delete single messages permanently',
  },
  special_use: {
    word: 'SPECIAL-USE',
    has: 'Reports the folders for sent mail, drafts and trash',
    lacks: 'Folders for sent mail, drafts and trash are recognised by name',
  },
  list_status: {
    word: 'LIST-STATUS',
    has: 'Reports the state of all folders in one response',
    lacks: 'Each folder is queried separately',
  },
  quota: { word: 'QUOTA', has: 'Reports the quota', lacks: 'Does not report the quota' },
  utf8: { word: 'UTF8', has: 'Accepts Unicode as it is', lacks: 'Folder names are encoded' },
}

const smtpWords: Record<keyof NonNullable<AccountServers['smtp']>['capabilities'], OfferWords> = {
  size: {
    word: 'SIZE',
    has: 'Reports the maximum message size',
    lacks: 'Too large messages are rejected only when sent',
  },
  eight_bit_mime: {
    word: '8BITMIME',
    has: 'Accepts text beyond ASCII as it is',
    lacks: 'Text is encoded in ASCII',
  },
  smtputf8: {
    word: 'SMTPUTF8',
    has: 'Accepts addresses beyond ASCII',
    lacks: 'Addresses with letters beyond ASCII before the @ are rejected',
  },
  pipelining: { word: 'PIPELINING', has: 'Accepts several commands at a time', lacks: 'Accepts one command at a time' },
  delivery_reports: { word: 'DSN', has: 'Can report delivery', lacks: 'Reports delivery only by bounces' },
}

function Offers<Name extends string>({
  title,
  words,
  offers,
  at,
}: {
  title: string
  words: Record<Name, OfferWords>
  offers: Record<Name, boolean>
  at: string
}) {
  return (
    <section className="grid gap-2">
      <h3 className="flex flex-wrap items-baseline justify-between gap-x-3 text-sm font-medium">
        {title}
        <span className="text-xs font-normal text-muted">
          as of <RelativeTime at={at} />
        </span>
      </h3>
      <ul
        aria-label={`${title}: ${formatCount(Object.keys(words).length, 'capability', 'capabilities')}`}
        className="grid gap-1 text-sm"
      >
        {(Object.keys(words) as Name[]).map(name => (
          <Offer key={name} words={words[name]} isOffered={offers[name]} />
        ))}
      </ul>
    </section>
  )
}

function Offer({ words: { word, has, lacks }, isOffered }: { words: OfferWords; isOffered: boolean }) {
  const Mark = isOffered ? Check : X
  return (
    <li className="flex items-start gap-2">
      <Mark
        className={isOffered ? 'mt-0.5 size-4 shrink-0 text-good' : 'mt-0.5 size-4 shrink-0 text-muted'}
        aria-hidden="true"
      />
      <span className="min-w-0">
        {isOffered ? has : <span className="text-muted">{lacks}</span>}{' '}
        <span className="text-xs text-muted">({isOffered ? word : `no ${word}`})</span>
      </span>
    </li>
  )
}
