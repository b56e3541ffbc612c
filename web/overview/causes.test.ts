/** Each cause is reported once, with its effect, severity, and where to act. */
import { describe, expect, test } from 'vitest'
import type { Account, AccountError, AccountState } from '../../contract/accounts.ts'
import type { DashboardStats, Sample } from '../../contract/metrics.ts'
import { causesOf } from './causes.ts'

const quiet = {
  requests_per_minute: 40,
  errors: { failed_requests: 0, slow_streams: 0 },
  process: { rss_bytes: 200_000_000, cpu_percent: 3, event_loop_lag_ms: 5 },
} as DashboardStats
const stored = { is_writable: true, fault: null, free_bytes: 50_000_000_000, total_bytes: 100_000_000_000 }

function account(id: string, state: AccountState, cause?: AccountError['cause'], host = 'mail.example.org'): Account {
  const last_error = cause ? { cause, detail: 'why', server_response: null, at: '' } : null
  return { id, name: id, email: id, state, last_error, imap: { host, port: 993, user: id } } as unknown as Account
}

/** Builds one sample every 5 s. */
function samples(seconds: number, cpu: number, memory = 40): Sample[] {
  return Array.from({ length: seconds / 5 + 1 }, (_, index) => {
    return { at: 1_000 + index * 5, system_cpu_usage: cpu, system_memory_usage: memory } as Sample
  })
}

const told = (accounts: Account[], stats: object = {}, readings: Sample[] = []) =>
  causesOf({ accounts, stats: { ...quiet, ...stats }, samples: readings })
const words = (...given: Parameters<typeof told>) => told(...given).map(cause => cause.words)

describe('accounts', () => {
  test('twenty accounts on one server that is away are one cause, however each of them noticed', () => {
    const faults = ['refused', 'timeout', 'closed'] as const
    const accounts = Array.from({ length: 20 }, (_, index) => account(`a${index}`, 'unreachable', faults[index % 3]))
    expect(told([...accounts, account('b', 'ready')])).toMatchObject([
      { words: 'mail.example.org does not answer: 20 accounts', isBad: true, href: '/accounts?q=mail.example.org' },
    ])
  })

  test('servers and kinds of trouble stand apart, what hits most accounts first', () => {
    const accounts = [
      account('a', 'auth_failed', 'login'),
      account('b', 'unreachable', 'timeout', 'one.example'),
      account('c', 'unreachable', 'timeout', 'two.example'),
      account('d', 'unreachable', 'dns', 'two.example'),
      account('e', 'unreachable', 'refused', 'two.example'),
      account('f', 'degraded', 'no_idle', 'slow.example'),
    ]
    expect(words(accounts)).toEqual([
      'two.example does not answer: 2 accounts',
      'mail.example.org rejects the login: account a',
      'one.example does not answer: account b',
      'No server has the name two.example: account d',
      'slow.example cannot announce new mail: account f',
    ])
  })

  test('full mailboxes are told beside whatever else is wrong, and nearly full ones as a warning', () => {
    const filled = (
      id: string,
      quota_level: Account['quota_level'],
      state: AccountState = 'ready',
      enabled = true,
    ) => ({
      ...account(id, state, state === 'unreachable' ? 'timeout' : undefined),
      quota_level,
      enabled,
    })
    const accounts = [
      filled('a', 'full', 'unreachable'),
      filled('b', 'nearly_full'),
      filled('c', 'nearly_full'),
      filled('d', 'ok'),
      filled('e', null),
      filled('f', 'full', 'disabled', false),
    ]
    expect(told(accounts).map(({ words: said, isBad }) => [said, isBad])).toEqual([
      ['mail.example.org does not answer: account a', true],
      ['A mailbox on mail.example.org is full: account a', true],
      ['A mailbox on mail.example.org is nearly full: 2 accounts', false],
    ])
  })

  test('our own limit is one cause over all servers, and is changed in the configuration', () => {
    const accounts = [
      account('a', 'degraded', 'limit', 'one.example'),
      account('b', 'degraded', 'limit', 'two.example'),
    ]
    expect(told(accounts)).toMatchObject([
      { words: 'The connection limit leaves accounts unwatched: 2 accounts', isBad: false, href: '/configuration' },
    ])
  })

  test('another port is another server; the usual ports are one', () => {
    const at = (id: string, port: number) => ({
      ...account(id, 'unreachable'),
      imap: { ...account(id, 'ready').imap, port },
    })
    expect(words([at('a', 993), at('b', 143), at('c', 1143)])).toEqual([
      'mail.example.org does not answer: 2 accounts',
      'mail.example.org:1143 does not answer: account c',
    ])
  })
})

test('a database that takes no writes comes before all, an almost full disk among the warnings', () => {
  const full = { ...stored, is_writable: false, fault: 'full', free_bytes: 0 }
  expect(told([account('a', 'unreachable')], { storage: full })).toMatchObject([
    { words: 'Nothing can be stored: the database accepts no writes, its disk is full', isBad: true, href: '/system' },
    { key: 'silent mail.example.org' },
    { words: 'The disk of the database is almost full: 0 B left', isBad: true },
  ])
  expect(told([], { storage: { ...stored, free_bytes: 800_000_000 } })).toMatchObject([{ key: 'disk', isBad: false }])
  // A small disk that is half empty is no problem, nor is an unknown one.
  expect(told([], { storage: { ...stored, free_bytes: 500_000_000, total_bytes: 1_000_000_000 } })).toEqual([])
  expect(told([], { storage: { ...stored, free_bytes: null, total_bytes: null } })).toEqual([])
})

test('failed requests are bad when they are a tenth of all, and slow readers are a warning', () => {
  const failed = (failed_requests: number) => told([], { errors: { failed_requests, slow_streams: 0 } })
  expect(failed(0)).toEqual([])
  expect(failed(3)).toMatchObject([{ words: '3 requests of 40 failed in the last minute', isBad: false }])
  expect(failed(4)).toMatchObject([{ isBad: true }])
  expect(told([], { errors: { failed_requests: 0, slow_streams: 1 } })).toMatchObject([
    { words: '1 event stream closed in the last minute: the reader was too slow', href: '/clients' },
  ])
})

test('a processor or memory is trouble only when it was full for five minutes', () => {
  expect(words([], {}, samples(300, 97))).toEqual([
    'The processors have been 97 % busy for 5 minutes; RustyMail uses 3 % of one',
  ])
  expect(words([], {}, samples(120, 100))).toEqual([])
  expect(words([], {}, [...samples(300, 100), ...samples(900, 20)])).toEqual([])
  expect(words([], {}, samples(300, 10, 96))).toEqual(['Memory is 96 % full; RustyMail uses 200 MB'])
  expect(words([], { process: { ...quiet.process, event_loop_lag_ms: 800 } })).toEqual([
    'RustyMail is slow: its event loop lags by 800 ms',
  ])
})

test('of old figures nothing is said', () => {
  expect(causesOf({ accounts: [], stats: undefined, samples: samples(300, 100) })).toEqual([])
})
