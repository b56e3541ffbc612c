/**
 * The world of browser tests of sending: the program on a real mailbox, an SMTP server that records messages, a user
 * and an agent.
 */
import type { Browser, Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import type { Endpoint } from '../../contract/endpoint.ts'
import { api } from '../../contract/index.ts'
import { defaultPolicy, policyApi, type TokenPolicy } from '../../contract/policy.ts'
import type { Scope } from '../../contract/scope.ts'
import { launchBrowser, visit } from './browser.ts'
import { type Dovecot, startDovecot } from './dovecot.ts'
import { runHere, type Served } from './rustymail.ts'
import { enter, type SignedIn, signIn } from './signed-in.ts'
import { SmtpSink } from './smtp-sink.ts'
import { tempDir } from './temp-dir.ts'

export const alice = 'alice@test.local'

/** The message from Bob that the tests reply to. */
const question = [
  'From: Bob Stone <bob@example.org>',
  `To: Alice <${alice}>`,
  'Subject: Lunch on Friday',
  'Message-ID: <lunch@example.org>',
  '',
  'Shall we meet at noon?',
  'I know a good place.',
].join('\r\n')

interface Request {
  params?: Record<string, string>
  query?: Record<string, string>
  body?: unknown
}

export type Caller = <P, Q, B, R>(endpoint: Endpoint<P, Q, B, R>, request?: Request) => Promise<R>

export interface ActingWorld {
  run: Served
  browser: Browser
  dovecot: Dovecot
  sink: SmtpSink
  accountId: string
  /** The ref of Bob's message. */
  messageRef: string
  tokenId: string
  /** A token that may request sending. */
  agent: Caller
  /** The administrator, whose session the page uses. */
  person: Caller
  /** Creates another token of the account; `policy` overrides the usual one. */
  anotherAgent(name: string, scopes: Scope[], policy?: Partial<TokenPolicy>): Promise<Caller>
  open(path: string, size?: { width?: number; height?: number }): Promise<{ page: Page; expectQuiet(): void }>
  stop(): Promise<void>
}

/** Starts a world that a whole file shares; the caller stops it. */
export async function startActingWorld(environment: Record<string, string> = {}): Promise<ActingWorld> {
  const ends: (() => unknown)[] = []
  const stop = async () => {
    for (const end of ends.reverse()) await end()
  }
  try {
    const dovecot = await startDovecot()
    ends.push(() => dovecot.stop())
    await dovecot.appendMessage(alice, question)
    const sink = new SmtpSink({ password: 'pw-alice' })
    ends.push(() => sink.stop())
    const smtpPort = await sink.start()
    const dir = tempDir('acting')
    ends.push(() => dir.remove())
    const run = await runHere({
      environment: { RUSTYMAIL_INDEX: 'text', ...environment },
      dataDir: `${dir.path}/data`,
    })
    ends.push(() => run.stop())
    const login = { host: '127.0.0.1', tls: 'none', user: alice, password: 'pw-alice' }
    const servers = { imap: { ...login, port: dovecot.imapPort }, smtp: { ...login, port: smtpPort } }
    const { id: accountId } = await run.call(api.accounts.createAccount, {
      body: { name: 'Alice', email: alice, ...servers },
      query: { verify: 'false' },
    })
    const params = { account_id: accountId }
    await vi.waitFor(async () => expect((await run.call(api.mailIndex.getIndex, { params })).state).toBe('complete'))
    const [message] = (await run.call(api.mail.listMessages, { params })).items
    const browser = await launchBrowser()
    ends.push(() => browser.close())
    const storageState: SignedIn = await signIn(browser, run.url)
    const cookie = await enter(run.url)
    const person = callerOf(run.url, { cookie, origin: run.url })
    const { token, info } = await person(api.tokens.createToken, {
      body: {
        name: 'Support agent',
        scopes: ['mail:send'],
        accounts: [accountId],
        allowed_addresses: [],
        expires_at: null,
      },
    })
    const anotherAgent: ActingWorld['anotherAgent'] = async (name, scopes, policy) => {
      const body = { name, scopes, accounts: [accountId], allowed_addresses: [], expires_at: null }
      const made = await person(api.tokens.createToken, { body })
      const params = { token_id: made.info.id }
      if (policy) await person(policyApi.setTokenPolicy, { params, body: { ...defaultPolicy, ...policy } })
      return callerOf(run.url, { authorization: `Bearer ${made.token}` })
    }
    return {
      run,
      browser,
      dovecot,
      sink,
      accountId,
      messageRef: message!.ref,
      tokenId: info.id,
      agent: callerOf(run.url, { authorization: `Bearer ${token}` }),
      person,
      anotherAgent,
      open: (path, size) => visit(browser, run.url + path, { width: 1440, storageState, ...size }),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function callerOf(url: string, proof: Record<string, string>): Caller {
  return async (endpoint, { params = {}, query = {}, body } = {}) => {
    const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_match, name: string) =>
      encodeURIComponent(params[name] ?? ''),
    )
    const search = new URLSearchParams(query).toString()
    const answer = await fetch(url + path + (search ? `?${search}` : ''), {
      method: endpoint.method,
      headers: { ...proof, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${endpoint.method} ${path} answered ${answer.status}: ${text}`)
    return endpoint.response.parse(text === '' ? undefined : JSON.parse(text))
  }
}
