/**
 * The contract of every Notifier adapter: people read what it says and nothing else, secrets are not disclosed, and
 * whatever a service does, the attempt ends with a clear outcome.
 */
import { expect, test } from 'vitest'
import { messageOf, type NoticeContent } from '../notice-words.ts'
import type { NoticeAlert, NoticeMessage, NoticeOutcome } from '../notifier.ts'

export interface NotifierHarness {
  open(options?: OpenOptions): Promise<OpenNotifier>
  /** Which of these its service can signal. */
  hears: { retryAfter: boolean; redirect: boolean; flood: boolean; echo: boolean }
}

export interface OpenOptions {
  /** Timeout of an attempt in ms, short for tests of a silent service. */
  timeoutMs?: number
  /** True if connecting to private addresses is refused. */
  isGuarded?: boolean
}

export type Way = 'refuse' | 'limit' | 'fail' | 'hang' | 'flood' | 'redirect' | 'echo'

export interface OpenNotifier {
  send(message: NoticeMessage, signal?: AbortSignal): Promise<NoticeOutcome>
  /** Sets what the service does with the next attempt. */
  next(way: Way): void
  /** The service's words when it refuses. */
  refusal: string
  /** Returns what people were shown, with the link. */
  taken(): string[]
  /** Returns the number of attempts that reached the service. */
  asked(): number
  /** Resolves when an attempt has arrived. */
  came(): Promise<void>
  secrets: readonly string[]
}

export const alertOf = (change: Partial<NoticeAlert> = {}): NoticeAlert => ({
  ...{ alert_id: 'l1', rule_id: 'starter-account-away', name: 'Account away', severity: 'critical', what: 'raised' },
  words: 'Account away (Anna): 0 in the last 1 min; alerts below 0.5',
  ...{ account_id: 'a', raised_at: '2026-03-02T14:02:00.000Z', cleared_at: null },
  ...change,
})

export function noticeOf(items: NoticeAlert[], change: Partial<NoticeContent> = {}): NoticeMessage {
  const content: NoticeContent = { reason: 'alerts', items, others: 0, handed_by: null, minutes: null, ...change }
  const at = new Date('2026-03-02T14:02:05Z')
  return messageOf(content, { id: 'o00mk2v7q1abcd123', at, link: 'https://mail.example.org/alerts', name: 'Chat' })
}

export function notifierSuite(harness: NotifierHarness): void {
  const { hears } = harness

  test('people read what fires, since when, and a link; and that it is over', async () => {
    const { send, taken } = await harness.open()
    expect(await send(noticeOf([alertOf()]))).toMatchObject({ kind: 'sent' })
    const over = alertOf({ what: 'cleared', cleared_at: '2026-03-02T14:32:00.000Z' })
    expect(await send(noticeOf([over]))).toMatchObject({ kind: 'sent' })
    const [first, second] = taken()
    for (const words of [
      'Critical: Account away (Anna)',
      '0 in the last 1 min; alerts below 0.5',
      'Since 2026-03-02 14:02 UTC',
    ])
      expect(first).toContain(words)
    expect(first).toContain('https://mail.example.org/alerts')
    expect(second).toContain('Over: Account away (Anna)')
    expect(second).toContain('for 30 min')
  })

  test('many are one notice, and a test says that it is one', async () => {
    const { send, taken } = await harness.open()
    const all = Array.from({ length: 20 }, (_, at) =>
      alertOf({ words: `Account away (Box ${at}): 0 in the last 1 min` }),
    )
    expect(await send(noticeOf(all, { others: 300 }))).toMatchObject({ kind: 'sent' })
    expect(await send(noticeOf([], { reason: 'test' }))).toMatchObject({ kind: 'sent' })
    expect(taken()[0]).toContain('320 alerts fire')
    expect(taken()[1]).toContain('test of')
    expect(taken().length).toBe(2)
  })

  test('a name is shown literally: it creates no mention, no link and no line break', async () => {
    const { send, taken } = await harness.open()
    const name = '<!channel> @everyone [click](https://evil.example) www.evil.example *b* `c` & <b>x</b>'
    const words = `${name}\r\nBcc: all@example.org\u202e: 0 in the last 1 min`
    expect(await send(noticeOf([alertOf({ name, words })]))).toMatchObject({ kind: 'sent' })
    expect(taken().length).toBe(1)
    expect(taken()[0]!.replaceAll('\r', '')).toContain(`${name} Bcc: all@example.org`)
    expect(taken()[0]).not.toContain('\u202e')
  })

  test('a refusal is told in the words of the service', async () => {
    const { send, next, refusal } = await harness.open()
    next('refuse')
    const outcome = await send(noticeOf([alertOf()]))
    expect(outcome.kind).toBe('refused')
    expect(outcome.said).toContain(refusal)
    expect(await send(noticeOf([alertOf()]))).toMatchObject({ kind: 'sent' })
  })

  test('one that takes no more for now, or fails, is asked again later', async () => {
    const { send, next } = await harness.open()
    next('limit')
    const limited = await send(noticeOf([alertOf()]))
    expect(limited.kind).toBe('retry')
    if (hears.retryAfter) expect(limited).toMatchObject({ afterMs: 7_000 })
    next('fail')
    expect(await send(noticeOf([alertOf()]))).toMatchObject({ kind: 'retry' })
  })

  test('a receiver that never answers is abandoned at the timeout, or when the notifier is stopped', async () => {
    const quick = await harness.open({ timeoutMs: 100 })
    quick.next('hang')
    const left = await quick.send(noticeOf([alertOf()]))
    expect(left.kind).toBe('retry')
    expect(left.said).not.toBe('')
    const patient = await harness.open()
    patient.next('hang')
    const stop = new AbortController()
    const sending = patient.send(noticeOf([alertOf()]), stop.signal)
    await patient.came()
    stop.abort()
    expect((await sending).kind).toBe('retry')
  })

  test.skipIf(!hears.flood)('an answer of 10 MB is cut', async () => {
    const { send, next } = await harness.open()
    next('flood')
    const outcome = await send(noticeOf([alertOf()]))
    expect(outcome.said.length).toBeLessThan(1_100)
    expect(await send(noticeOf([alertOf()]))).toMatchObject({ kind: 'sent' })
  })

  test.skipIf(!hears.redirect)('a redirect is not followed', async () => {
    const { send, next, asked, taken } = await harness.open()
    next('redirect')
    const outcome = await send(noticeOf([alertOf()]))
    expect(outcome.kind).toBe('refused')
    expect(outcome.said).toMatch(/redirects are not followed/i)
    expect([asked(), taken().length]).toEqual([1, 0])
  })

  test('a private address is refused, and nothing is sent there', async () => {
    const { send, asked } = await harness.open({ isGuarded: true })
    const outcome = await send(noticeOf([alertOf()]))
    expect(outcome.kind).toBe('refused')
    expect(outcome.said).toContain('RUSTYMAIL_PRIVATE_NETWORKS')
    expect(asked()).toBe(0)
  })

  test.skipIf(!hears.echo)('secrets are not said again, whatever comes back', async () => {
    const { send, next, secrets } = await harness.open()
    next('echo')
    const { said } = await send(noticeOf([alertOf()]))
    expect(said).toContain('bad:')
    for (const secret of secrets) expect(said).not.toContain(secret)
  })
}
