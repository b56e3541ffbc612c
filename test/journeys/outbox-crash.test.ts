/**
 * Each step of sending is interrupted, by kill -9 and by a stop: before and after each SMTP command, within a message,
 * and around the copy in Sent. Afterwards the servers hold each message once, or its outcome is `unknown`.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import { defaultPolicy } from '../../contract/policy.ts'
import type { Submission } from '../../contract/submission.ts'
import { storeRelease } from '../../server/approvals/policy-release.ts'
import { Blobs } from '../../server/blobs/blobs.ts'
import { submissionHash } from '../../server/drafts/composed-message.ts'
import { OutboxService } from '../../server/outbox/outbox-service.ts'
import { SubmissionIds } from '../../server/outbox/submission-id.ts'
import { SubmissionStore } from '../../server/outbox/submission-store.ts'
import { openDatabase } from '../../server/platform/database/database.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { startHub } from '../support/event-hub.ts'
import { principalOf } from '../support/operation-world.ts'
import { patience } from '../support/patience.ts'
import { available } from '../support/require.ts'
import { type Served, startHere, startRustyMail } from '../support/rustymail.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { startRelay, type TcpRelay } from '../support/tcp-relay.ts'
import { tempDir } from '../support/temp-dir.ts'

interface Break {
  name: string
  /** Sets the step at which the program is interrupted. */
  arm(way: Way): void
  /** Lines of its message; a small one unless given. */
  lines?: number
  /** How often the SMTP server has the message, after a kill and after a stop. */
  sent: { kill: [state: string, count: number]; stop: [state: string, count: number] }
}

const never = () => new Promise<never>(() => undefined)
const nothing: Break['sent'] = { kill: ['unknown', 0], stop: ['sent', 1] }
const handed: Break['sent'] = { kill: ['unknown', 0], stop: ['unknown', 0] }
const taken: Break['sent'] = { kill: ['unknown', 1], stop: ['unknown', 1] }
const done: Break['sent'] = { kill: ['sent', 1], stop: ['sent', 1] }

const before = (verb: string): Break => ({
  name: `before ${verb}`,
  arm: ({ sink, reach }) => {
    sink.script.onCommand = line => {
      if (!line.startsWith(verb)) return undefined
      reach()
      return never()
    }
  },
  sent: nothing,
})

const breaks: Break[] = [
  ...['EHLO', 'AUTH', 'MAIL', 'RCPT', 'DATA'].map(before),
  {
    name: 'in the middle of the message',
    // More than all buffers on the way hold.
    lines: 500_000,
    arm: ({ sink, reach }) => {
      sink.script.onData = (_bytes, socket) => {
        socket.pause()
        reach()
      }
    },
    sent: nothing,
  },
  {
    name: 'the message is handed over, and not taken',
    arm: ({ sink, reach }) => {
      sink.script.onMessage = () => {
        reach()
        return never()
      }
    },
    sent: handed,
  },
  {
    name: 'the message is taken, and not answered',
    arm: way => {
      way.sink.script.onMessage = ({ bytes }) => {
        way.unanswered.push(bytes)
        way.reach()
        return never()
      }
    },
    sent: taken,
  },
  {
    name: 'before the folder of sent messages is looked at',
    arm: way => way.hold(/(SELECT|EXAMINE) "?Sent/),
    sent: done,
  },
  { name: 'before the copy', arm: way => way.hold(/ APPEND /), sent: done },
  { name: 'the copy is there, and not answered', arm: way => way.loseAnswer(/^(\S+) APPEND /m), sent: done },
]

/** An account of its own for each interruption. */
class Way {
  readonly sink = new SmtpSink({ password: 'secret' })
  readonly unanswered: Buffer[] = []
  readonly reached = Promise.withResolvers<void>()
  relay!: TcpRelay
  accountId = ''
  submissionId = ''
  messageId = ''
  sha256 = ''
  #holds: RegExp | undefined
  #loses: RegExp | undefined
  #tag: string | undefined

  readonly reach = () => this.reached.resolve()

  async open(imapPort: number): Promise<void> {
    await this.sink.start()
    this.relay = await startRelay(imapPort, { holds: text => this.#hold(text), toClient: text => this.#answer(text) })
  }

  hold(command: RegExp): void {
    this.#holds = command
  }

  loseAnswer(command: RegExp): void {
    this.#loses = command
  }

  disarm(): void {
    this.#holds = undefined
    this.#loses = undefined
    this.sink.script = { password: 'secret' }
    this.sink.cut()
    this.relay.cutClients()
  }

  #hold(text: string): Promise<void> | undefined {
    this.#tag ??= this.#loses?.exec(text)?.[1]
    if (!this.#holds?.test(text)) return undefined
    this.reach()
    return never()
  }

  #answer(text: string): string {
    if (!this.#loses || this.#tag === undefined || !new RegExp(`^${this.#tag} `, 'm').test(text)) return text
    this.reach()
    return ''
  }
}

describe.skipIf(!available('dovecot'))('sending, interrupted at each step', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(() => dovecot?.stop())

  const postgresUrl = inject('postgresUrl')
  const databases = ['SQLite', ...(postgresUrl === undefined ? [] : ['PostgreSQL'])]
  const cases = databases.flatMap(database => [[database, 'kill'] as const, [database, 'stop'] as const])

  test.each(cases)('on %s, by a %s', async (database, interruption) => {
    const dir = tempDir('crash')
    onTestFinished(() => dir.remove())
    const environment: Record<string, string> = { RUSTYMAIL_INDEX: 'off' }
    const dataDir = join(dir.path, 'data')
    let databaseUrl = `sqlite:${join(dataDir, 'rustymail.db')}`
    if (database === 'PostgreSQL') {
      const { url, drop } = await createPostgresDatabase(postgresUrl!)
      onTestFinished(drop)
      environment.RUSTYMAIL_DATABASE_URL = url
      databaseUrl = url
    }
    const options = { dataDir, environment }
    const ways = breaks.map(() => new Way())
    const before = await startHere(options)
    for (const way of ways) await connect(before, dovecot, way)
    await before.stop()
    await submitAll(databaseUrl, ways)
    for (const [index, { arm }] of breaks.entries()) arm(ways[index]!)
    const interrupted = await startRustyMail(options)
    await Promise.all(ways.map(way => way.reached.promise))
    await interrupted.stop(interruption === 'kill' ? 'SIGKILL' : 'SIGTERM')
    // Servers that never answer delay a stop for some seconds, but not until its deadline.
    expect(interrupted.log()).not.toContain('did not stop cleanly')
    for (const way of ways) way.disarm()
    const rustymail = await startHere(options)
    const raw = await dovecot.login('alice@test.local')
    for (const [index, { name, sent }] of breaks.entries()) {
      const way = ways[index]!
      const settled = await settledOf(rustymail, way.submissionId)
      const had = [...way.sink.taken.map(({ bytes }) => bytes), ...way.unanswered]
      const [state, count] = sent[interruption]
      expect([name, settled.state, had.length]).toEqual([name, state, count])
      expect(had.map(hash)).toEqual(had.map(() => way.sha256))
      // Opened again, since the copy has only just arrived.
      await raw.run('EXAMINE Sent')
      const copies = await raw.run(`SEARCH HEADER Message-ID "${way.messageId}"`)
      const found = /^\* SEARCH([ \d]*)/m.exec(copies)?.[1]?.trim() ?? ''
      expect([name, settled.sent_copy.state, found === '' ? 0 : found.split(' ').length]).toEqual([
        name,
        state === 'sent' ? 'saved' : 'none',
        state === 'sent' ? 1 : 0,
      ])
    }
    raw.close()
  })
})

async function connect(rustymail: Served, dovecot: Dovecot, way: Way): Promise<void> {
  await way.open(dovecot.imapPort)
  onTestFinished(async () => {
    await way.relay.stop()
    await way.sink.stop()
  })
  const user = 'alice@test.local'
  const { password } = dovecot.users.find(each => each.user === user)!
  const imap = { host: '127.0.0.1', port: way.relay.port, tls: 'none', user, password }
  const smtp = { host: '127.0.0.1', port: way.sink.port, tls: 'none', user, password: 'secret' }
  const path = `${api.accounts.createAccount.path}?verify=false`
  const answer = await rustymail.send('POST', path, { email: user, imap, smtp })
  way.accountId = ((await answer.json()) as Account).id
}

/** Submits as `send` would, while no server runs. */
async function submitAll(databaseUrl: string, ways: readonly Way[]): Promise<void> {
  const db = openDatabase(databaseUrl)
  try {
    const { hub } = await startHub(db)
    const blobs = new Blobs(db)
    const store = new SubmissionStore(db)
    const drafts = { mark: async () => true }
    const outbox = new OutboxService({ store, ids: new SubmissionIds(), hub, drafts, blobs, isHeld: () => false })
    const principal = principalOf('api-key', { kind: 'api_key' })
    for (const [index, way] of ways.entries()) {
      way.messageId = `<${way.accountId}.${index}@test.local>`
      const head = `From: alice@test.local\r\nSubject: ${index}\r\nMessage-ID: ${way.messageId}\r\n\r\n`
      const bytes = Buffer.from(`${head}${'.a line of the message\r\n'.repeat(breaks[index]!.lines ?? 2_000)}`)
      const pieces = (async function* () {
        yield bytes
      })()
      const blob = await blobs.write(way.accountId, pieces, { bytes: 1e9, accountBytes: 1e9 })
      way.sha256 = blob.sha256
      const envelope = { from: 'alice@test.local', to: ['anne@there.test'] }
      const composed = {
        ...{ draftId: `d${'x'.repeat(20)}${index}`.slice(0, 22), rev: 1, accountId: way.accountId, envelope },
        from: { email: 'alice@test.local', name: null },
        recipients: [{ email: 'anne@there.test', kind: 'to' as const }],
        ...{ subject: String(index), messageId: way.messageId, blobId: blob.id, sizeBytes: blob.sizeBytes },
        ...{ attachmentBytes: 0, sha256: blob.sha256, hash: submissionHash(envelope, blob.sha256), answers: undefined },
      }
      // With a verdict of the key's policy, as if that had let it out: otherwise it would be held for an approval.
      const { to: recipients } = envelope
      const judged = {
        accountId: way.accountId,
        recipients,
        attachmentBytes: 0,
        threadPeople: undefined,
        taintMs: null,
      }
      const policyRelease = storeRelease(defaultPolicy, judged)
      const submitted = { principal, composed, state: 'queued' as const, sendAt: null, approvalId: null, policyRelease }
      const { id } = await hub.transact((transaction, publish) => outbox.submit(transaction, publish, submitted))
      way.submissionId = id
    }
    await hub.stop()
  } finally {
    await db.destroy()
  }
}

async function settledOf(rustymail: Served, id: string): Promise<Submission> {
  const path = api.outbox.getSubmission.path.replace('{submission_id}', id)
  const get = async () => (await (await rustymail.send('GET', path)).json()) as Submission
  const isSettled = ({ state, sent_copy }: Submission) =>
    !['queued', 'sending'].includes(state) && sent_copy.state !== 'waiting'
  await expect.poll(async () => isSettled(await get()), { timeout: patience }).toBe(true)
  return get()
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
