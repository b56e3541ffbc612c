/**
 * Applying a proposal is interrupted by kill -9 at each step: before and after each of its commits, and before the mail
 * server receives anything. Afterwards each item is still open or applied, and in the end each is done once.
 */
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import type { OperationWithResults } from '../../contract/operations.ts'
import { defaultPolicy } from '../../contract/policy.ts'
import type { ProposalDecision, ProposalDetail } from '../../contract/proposals.ts'
import type { Submission } from '../../contract/submission.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { patience } from '../support/patience.ts'
import { type CommitPoint, PostgresWay } from '../support/postgres-way.ts'
import type { RawImap } from '../support/raw-imap.ts'
import { available } from '../support/require.ts'
import { type RustyMail, runRustyMail } from '../support/rustymail.ts'
import { enter } from '../support/signed-in.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { startRelay, type TcpRelay } from '../support/tcp-relay.ts'
import { tempDir } from '../support/temp-dir.ts'

const user = 'alice@test.local'
const flagged = (subject: string) => `${subject} to be flagged`
const moved = (subject: string) => `${subject} to be moved`
const never = () => new Promise<never>(() => undefined)

class World {
  readonly dovecot: Dovecot
  readonly sink: SmtpSink
  readonly options: Parameters<typeof runRustyMail>[0]
  #isImapHeld = false
  relay!: TcpRelay
  rustymail!: RustyMail
  account = ''
  #token = ''
  #cookie = ''

  constructor(dovecot: Dovecot, sink: SmtpSink, options: Parameters<typeof runRustyMail>[0]) {
    this.dovecot = dovecot
    this.sink = sink
    this.options = options
  }

  async start(smtpPort: number): Promise<void> {
    // Holds back everything that the program sends to the mail server.
    const holds = () => (this.#isImapHeld ? never() : undefined)
    this.relay = await startRelay(this.dovecot.imapPort, { holds })
    await this.restart()
    const login = { host: '127.0.0.1', tls: 'none', user, password: 'pw-alice' }
    const body = { email: user, imap: { ...login, port: this.relay.port }, smtp: { ...login, port: smtpPort } }
    const path = `${api.accounts.createAccount.path}?verify=false`
    this.account = (await this.#tell<Account>('POST', path, body)).id
    const { token, info } = await this.#tell<{ token: string; info: { id: string } }>(
      'POST',
      api.tokens.createToken.path,
      {
        ...{ name: 'Agent', scopes: ['mail:organize', 'mail:send'], accounts: [this.account] },
      },
    )
    this.#token = token
    const policy = api.policy.setTokenPolicy.path.replace('{token_id}', info.id)
    await this.#tell('PUT', policy, { ...defaultPolicy, mode: 'propose' })
  }

  async restart(): Promise<void> {
    this.rustymail = await runRustyMail(this.options)
    this.#cookie = await enter(this.rustymail.url)
  }

  /** Kills the program, and drops everything it had in flight. */
  async kill(): Promise<void> {
    await this.rustymail.stop('SIGKILL')
    this.#isImapHeld = false
    this.relay.cutClients()
  }

  holdImap(): void {
    this.#isImapHeld = true
  }

  /** Proposes flags, a move, a draft and a message, as one proposal. */
  async propose(subject: string): Promise<ProposalDetail> {
    for (const each of [flagged(subject), moved(subject)]) {
      await this.dovecot.appendMessage(user, `From: Bob <bob@test.local>\nSubject: ${each}\n\nbody\n`)
    }
    const at = `/api/v1/accounts/${this.account}`
    const ask = <T>(method: string, path: string, body?: object) => this.#tell<T>(method, at + path, body, true)
    const { items } = await ask<{ items: { subject: string; ref: string }[] }>('GET', '/messages?folder=INBOX')
    const idsOf = (each: string) => items.filter(item => item.subject === each).map(({ ref }) => ref)
    const write = (each: string) =>
      ask<Draft>('POST', '/drafts', {
        mode: 'new',
        to: ['bob@test.local'],
        subject: each,
        body: { format: 'text', content: 'x' },
      })
    const { proposal_id: id } = await ask<OperationWithResults>('POST', '/messages/actions', {
      ...{ ids: idsOf(flagged(subject)), add: ['flagged'] },
    })
    const archive = { role: 'archive', create: true }
    await ask('POST', '/messages/actions', { ids: idsOf(moved(subject)), move_to: archive })
    await write(`${subject} draft`)
    const { id: draft, rev } = await write(`${subject} message`)
    await ask<Submission>('POST', `/drafts/${draft}/send`, { rev })
    const detail = await this.get(id!)
    expect(detail.items.map(({ state }) => state)).toEqual(detail.items.map(() => 'waiting'))
    return detail
  }

  get(id: string): Promise<ProposalDetail> {
    return this.#tell('GET', `${api.proposals.listProposals.path}/${id}`)
  }

  apply({ id, items }: ProposalDetail): Promise<ProposalDecision> {
    const named = items.filter(({ state }) => state === 'waiting').map(({ id: item, hash }) => ({ id: item, hash }))
    return this.#tell('POST', `${api.proposals.listProposals.path}/${id}/apply`, { items: named })
  }

  async #tell<T>(method: string, path: string, body?: object, isAgent = false): Promise<T> {
    const { url } = this.rustymail
    const who = isAgent ? { authorization: `Bearer ${this.#token}` } : { cookie: this.#cookie, origin: url }
    const headers = { ...who, ...(body && { 'content-type': 'application/json' }) }
    const answer = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return JSON.parse(text === '' ? '{}' : text) as T
  }

  /** After the start that follows a kill no item is half done, and open ones are applied; then each is done once. */
  async expectOnce(subject: string, before: ProposalDetail): Promise<void> {
    // Items decided through their message are reconciled.
    const whole = async () => (await this.get(before.id)).items.map(halfOf)
    await expect.poll(whole, { timeout: patience }).toEqual(before.items.map(() => 'whole'))
    const now = await this.get(before.id)
    expect(now.items.map(({ id, hash }) => [id, hash])).toEqual(before.items.map(({ id, hash }) => [id, hash]))
    if (now.state === 'open') {
      const { results } = await this.apply(now)
      expect([subject, results.map(({ code }) => code)]).toEqual([subject, results.map(() => null)])
    }
    const states = async () =>
      (await this.get(before.id)).items.map(
        ({ operation, submission }) => operation?.state ?? submission?.state ?? null,
      )
    const isOver = (state: string | null) => state === null || ['done', 'sent', 'unknown'].includes(state)
    await expect.poll(async () => (await states()).every(isOver), { timeout: patience }).toBe(true)
    const [message] = (await states()).slice(-1)
    const raw = await this.dovecot.login(user)
    const drafts = () => find(raw, 'Drafts', `${subject} draft`)
    await expect.poll(drafts, { timeout: patience }).toHaveLength(1)
    const held = {
      flagged: [...(await find(raw, 'INBOX', flagged(subject))), ...(await find(raw, 'Archive', flagged(subject)))],
      moved: [(await find(raw, 'INBOX', moved(subject))).length, (await find(raw, 'Archive', moved(subject))).length],
      // No folder is created twice under another name.
      archives: ((await raw.run('LIST "" "*"')).match(/ "?Archive"?\r?$/gm) ?? []).length,
    }
    raw.close()
    const expected = { flagged: [expect.stringContaining('\\Flagged')], moved: [0, 1], archives: 1 }
    expect([subject, held]).toEqual([subject, expected])
    const sent = this.sink.taken.filter(({ bytes }) => bytes.includes(`${subject} message`)).length
    // A message that was being handed over may have arrived; it is never resent automatically.
    if (message === 'unknown') expect(sent).toBeLessThanOrEqual(1)
    else expect([subject, message, sent]).toEqual([subject, 'sent', 1])
  }
}

/** Returns `whole` if an item agrees with what it refers to, otherwise how it does not. */
function halfOf({ state, kind, operation, submission, draft }: ProposalDetail['items'][number]): string {
  if (state !== 'waiting' && state !== 'applied') return state
  const isWaiting = state === 'waiting'
  if (kind === 'operation' && (operation?.state === 'proposed') !== isWaiting) return `${state} ${operation?.state}`
  if (kind === 'message' && (submission?.state === 'held') !== isWaiting) return `${state} ${submission?.state}`
  if (kind === 'draft' && draft === null) return 'gone'
  return 'whole'
}

/** Returns the flags of each message. */
async function find(raw: RawImap, folder: string, subject: string): Promise<string[]> {
  await raw.run(`EXAMINE ${folder}`).catch(() => undefined)
  const answer = await raw.run('FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])').catch(() => '')
  return answer.split(/^\* \d+ FETCH /m).filter(row => row.includes(`Subject: ${subject}\r\n`))
}

async function startWorld(environment: Record<string, string> = {}): Promise<World> {
  const dovecot = await startDovecot()
  onTestFinished(() => dovecot.stop())
  const sink = new SmtpSink({ password: 'pw-alice' })
  const port = await sink.start()
  onTestFinished(() => sink.stop())
  const dir = tempDir('proposals-crash')
  onTestFinished(() => dir.remove())
  const options = { dataDir: join(dir.path, 'data'), environment: { RUSTYMAIL_INDEX: 'off', ...environment } }
  const world = new World(dovecot, sink, options)
  await world.start(port)
  onTestFinished(() => world.relay.stop())
  onTestFinished(async () => void (await world.rustymail.stop('SIGKILL')))
  return world
}

const postgresUrl = inject('postgresUrl')

describe.skipIf(!available('dovecot') || postgresUrl === undefined)('with PostgreSQL', () => {
  test('killed before or after each commit of an apply: no item is half, and each is done once', async () => {
    const way = new PostgresWay(/update "(proposal_items|approvals)"/)
    const { url, drop } = await createPostgresDatabase(postgresUrl!)
    onTestFinished(drop)
    const world = await startWorld({ RUSTYMAIL_DATABASE_URL: await way.open(url) })
    onTestFinished(() => way.stop())
    const reached: string[] = []
    for (let number = 1; ; number++) {
      for (const at of ['before', 'after'] satisfies CommitPoint['at'][]) {
        const subject = `${at} ${number}`
        const before = await world.propose(subject)
        const isReached = way.arm({ number, at }).then(() => true)
        const applying = world.apply(before).then(
          () => false,
          () => false,
        )
        if (await Promise.race([isReached, applying])) reached.push(subject)
        await world.kill()
        await applying
        way.disarm()
        await world.restart()
        await world.expectOnce(subject, before)
      }
      if (!reached.includes(`before ${number}`)) break
    }
    // The folder that the move needs is an item of the first proposal, as long as it does not exist.
    expect(reached.length).toBeGreaterThanOrEqual(10)
  })
})

describe.skipIf(!available('dovecot'))('with SQLite', () => {
  test('killed once it is applied, before the mail server hears of it: each is done once after the next start', async () => {
    const world = await startWorld()
    const before = await world.propose('queued')
    world.holdImap()
    const { results } = await world.apply(before)
    expect(results.map(({ state, code }) => [state, code])).toEqual(before.items.map(() => ['applied', null]))
    await world.kill()
    await world.restart()
    await world.expectOnce('queued', before)
    expect((await world.get(before.id)).state).toBe('applied')
  })
})
