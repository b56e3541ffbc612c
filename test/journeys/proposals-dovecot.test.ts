/**
 * Proposals on a real mail server and a real SMTP server, with either database: the mailbox is unchanged until a human
 * agrees, and then has exactly what was proposed.
 */
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Draft } from '../../contract/draft.ts'
import { api } from '../../contract/index.ts'
import type { OperationWithResults } from '../../contract/operations.ts'
import { defaultPolicy } from '../../contract/policy.ts'
import type { ProposalDecision, ProposalDetail } from '../../contract/proposals.ts'
import type { Submission } from '../../contract/submission.ts'
import { newPostgresDatabase } from '../support/databases.ts'
import { startDovecot } from '../support/dovecot.ts'
import { patience } from '../support/patience.ts'
import { startApp } from '../support/people.ts'
import type { RawImap } from '../support/raw-imap.ts'
import { available } from '../support/require.ts'
import { SmtpSink } from '../support/smtp-sink.ts'
import { untilIndexed } from '../support/until-indexed.ts'

const user = 'alice@test.local'
const mail = (subject: string) =>
  `From: Bob <bob@test.local>\r\nTo: ${user}\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@test.local>\r\n\r\nAt noon?\r\n`

/** Returns the whole mailbox as the mail server has it: folders, UIDs, flags and bytes. */
async function mailboxOf(raw: RawImap): Promise<string> {
  const folders = (await raw.run('LIST "" "*"')).split('\r\n').filter(line => line.startsWith('* LIST'))
  const whole: string[] = [folders.sort().join('\n')]
  for (const line of folders) {
    const name = / ("[^"]*"|\S+)$/.exec(line)![1]!
    const standing = await raw.run(`EXAMINE ${name}`)
    whole.push(name, /UIDNEXT \d+/.exec(standing)![0])
    if (!standing.includes('* 0 EXISTS')) whole.push(await raw.run('UID FETCH 1:* (UID FLAGS BODY.PEEK[])'))
  }
  // Command tags differ.
  return whole.join('\n').replaceAll(/^\w+ OK .*$/gm, '')
}

function suite(environmentOf: () => Promise<Record<string, string>>): void {
  test('flags, a move, a folder, a draft and a message are proposed; some are applied, once, and the others never', async () => {
    const dovecot = await startDovecot()
    onTestFinished(() => dovecot.stop())
    for (const subject of ['lunch', 'dinner']) await dovecot.appendMessage(user, mail(subject))
    const sink = new SmtpSink({ password: 'pw-alice' })
    const port = await sink.start()
    onTestFinished(() => sink.stop())
    const { people } = await startApp({ environment: await environmentOf() })
    const login = { host: '127.0.0.1', user, password: 'pw-alice' }
    const imap = { ...login, port: dovecot.imapsPort, tls: 'implicit' }
    const smtp = { ...login, port, tls: 'none' }
    const { admin } = people
    const { id: account } = await people.tell<{ id: string }>(
      admin,
      'POST',
      `${api.accounts.createAccount.path}?verify=false`,
      { email: user, imap, smtp },
    )
    await untilIndexed(people, account, 2)
    const token = await people.token(['mail:organize', 'mail:delete', 'mail:send'], [account])
    const policy = { ...defaultPolicy, mode: 'propose' as const }
    await people.tell(admin, 'PUT', api.policy.setTokenPolicy.path.replace('{token_id}', token.id), policy)
    const raw = await dovecot.login(user)
    onTestFinished(() => raw.close())
    const before = await mailboxOf(raw)
    const at = `/api/v1/accounts/${account}`
    const tell = <T>(method: string, path: string, body?: unknown) => people.tell<T>(token.proof, method, path, body)
    const { items } = await tell<{ items: { ref: string; subject: string }[] }>('GET', `${at}/messages?folder=INBOX`)
    const refOf = (subject: string) => items.find(item => item.subject === subject)!.ref
    const act = (body: object) => tell<OperationWithResults>('POST', `${at}/messages/actions`, body)
    const flags = await act({ ids: [refOf('lunch'), refOf('dinner')], add: ['flagged'] })
    const folder = await tell<OperationWithResults>('POST', `${at}/folders`, { path: 'Trips' })
    const move = await act({ ids: [refOf('lunch')], move_to: { role: 'trash' } })
    const gone = await tell<OperationWithResults>('POST', `${at}/messages/delete`, { ids: [refOf('dinner')] })
    const body = { format: 'text', content: 'x' }
    const write = (subject: string) => tell<Draft>('POST', `${at}/drafts`, { mode: 'new', to: [user], subject, body })
    const note = await write('A note')
    const answer = await write('Yes')
    const sent = await tell<Submission>('POST', `${at}/drafts/${answer.id}/send`, { rev: answer.rev })
    const proposals = api.proposals.listProposals.path
    const detailOf = () => people.tell<ProposalDetail>(admin, 'GET', `${proposals}/${flags.proposal_id}`)
    const detail = await detailOf()
    expect(detail.items.map(({ id }) => id)).toEqual([flags, folder, move, gone, note, sent].map(({ id }) => id))
    expect(detail.counts).toMatchObject({ messages: 4, deletions: 1, sends: 1 })
    expect(await mailboxOf(raw)).toBe(before)
    const named = (...chosen: { id: string }[]) =>
      detail.items.filter(item => chosen.some(({ id }) => id === item.id)).map(({ id, hash }) => ({ id, hash }))
    const decide = (how: string, ...chosen: { id: string }[]) =>
      people.tell<ProposalDecision>(admin, 'POST', `${proposals}/${flags.proposal_id}/${how}`, {
        items: named(...chosen),
      })
    await decide('decline', gone, folder)
    const race = await Promise.all([1, 2, 3].map(() => decide('apply', flags, move, note, sent)))
    expect(race.flatMap(({ results }) => results).filter(({ code }) => code === null)).toHaveLength(4)
    await expect
      .poll(async () => (await detailOf()).items.map(({ operation }) => operation?.state ?? null), {
        timeout: patience,
      })
      .toEqual(['done', 'declined', 'done', 'declined', null, null])
    await expect.poll(() => sink.taken.length, { timeout: patience }).toBe(1)
    const subjects = async (name: string) => {
      if ((await raw.run(`EXAMINE ${name}`)).includes('* 0 EXISTS')) return []
      const answered = await raw.run('UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
      return [...answered.matchAll(/^Subject: (.*?)\r?$/gm)].map(([, subject]) => subject)
    }
    await expect.poll(() => subjects('Drafts'), { timeout: patience }).toEqual(['A note'])
    expect([await subjects('INBOX'), await subjects('Trash')]).toEqual([['dinner'], ['lunch']])
    expect(await raw.run('LIST "" Trips')).not.toContain('* LIST')
    expect(sink.taken).toHaveLength(1)
  })
}

describe.skipIf(!available('dovecot'))('on Dovecot, with SQLite', () => suite(async () => ({})))

const postgresUrl = inject('postgresUrl')
describe.skipIf(!available('dovecot') || postgresUrl === undefined)('on Dovecot, with PostgreSQL', () =>
  suite(async () => ({ RUSTYMAIL_DATABASE_URL: await newPostgresDatabase(postgresUrl!) })),
)
