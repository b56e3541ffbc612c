/** Sign-ins in progress: polled no faster than allowed, bounded, and finished by those who began them. */
import { randomBytes } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { OAuthSignInInput } from '../../contract/mail-oauth.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import { begin, SteeredClock } from '../../test/support/rotating-provider.ts'
import type { EventHub } from '../events/event-hub.ts'
import { createLogger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import { SecretBox } from '../platform/secret-box.ts'
import type { GrantKeeper } from './grant-keeper.ts'
import { OAuthProviders } from './oauth-providers.ts'
import { OAuthFault, type OAuthTokens } from './oauth-server.ts'
import { OAuthSignIns, type OAuthSignInsOptions } from './oauth-sign-ins.ts'
import type { OAuthGrantRow } from './oauth-tables.ts'

const sessionOf = (id: string, userId: string) => principalOf(id, { kind: 'session', userId, accounts: 'all' })
const ann = sessionOf('session-ann', 'ann')
const bob = sessionOf('session-bob', 'bob')
const scopes = ['https://outlook.office.com/IMAP.AccessAsUser.All', 'https://outlook.office.com/SMTP.Send']
const tokens: OAuthTokens = {
  ...{ accessToken: 'access', refreshToken: 'refresh', expiresInSeconds: 3_600 },
  ...{ scopes, subject: undefined, email: undefined },
}
const faultOf = (error: string, kind: OAuthFault['kind'] = 'refused') =>
  new OAuthFault(kind, Object.assign(new Error(error), { error }), [])

function startSignIns() {
  const clock = new SteeredClock()
  const client = { clientId: 'me', clientSecret: undefined }
  const providers = new OAuthProviders({
    store: {} as ConstructorParameters<typeof OAuthProviders>[0]['store'],
    server: {} as ConstructorParameters<typeof OAuthProviders>[0]['server'],
    config: { google: client, microsoft: { ...client, tenant: 'common' } },
    secrets: new SecretBox(randomBytes(32)),
    hub: {} as EventHub,
    baseUrl: () => 'http://127.0.0.1:9',
    now: () => clock.now(),
  })
  const polls: { code: string; at: number }[] = []
  const answers = { poll: async (): Promise<OAuthTokens> => tokens, exchange: async () => tokens }
  const begun = { failure: undefined as unknown, intervalSeconds: 5, expiresInSeconds: 900, count: 0 }
  const server: OAuthSignInsOptions['server'] = {
    authorizationUrl: async (_provider, { state }) => {
      if (begun.failure) throw begun.failure
      return new URL(`https://provider.example/?state=${state}`)
    },
    exchange: () => answers.exchange(),
    beginDevice: async () => {
      if (begun.failure) throw begun.failure
      const deviceCode = `device-${begun.count++}`
      const place = { userCode: 'ABCD', verificationUri: 'https://x.example', verificationUriComplete: undefined }
      return { ...place, ...begun, deviceCode }
    },
    pollDevice: async (_provider, code) => {
      polls.push({ code, at: (clock.at - begin) / 1_000 })
      return answers.poll()
    },
  }
  const kept: OAuthGrantRow[] = []
  const signIns = new OAuthSignIns({
    providers,
    server,
    keeper: { newRow: (_tokens: unknown, of: object) => of } as unknown as GrantKeeper,
    store: { insert: async row => void kept.push(row) } as OAuthSignInsOptions['store'],
    accounts: {} as OAuthSignInsOptions['accounts'],
    clock,
    logger: createLogger('silent'),
  })
  onTestFinished(() => signIns.stop())
  const start = (principal = ann, method: OAuthSignInInput['method'] = 'device', provider = 'microsoft') =>
    signIns.begin(principal, { provider, method, use: 'send' } as OAuthSignInInput)
  const pass = (seconds: number) =>
    clock.pass(seconds * 1_000, async () => {
      for (let turn = 0; turn < 5; turn++) await nextTurn()
    })
  return { clock, signIns, start, pass, polls, answers, begun, kept }
}

test('a provider that asks to slow down, or is away, is asked less often, up to once a minute', async () => {
  const { signIns, start, pass, polls, answers, kept } = startSignIns()
  const faults = ['authorization_pending', 'slow_down', 'slow_down', 'away', 'away', 'away', 'slow_down']
  answers.poll = async () => {
    const fault = faults[polls.length - 1]
    if (fault !== undefined) throw faultOf(fault, fault === 'away' ? 'away' : 'refused')
    return tokens
  }
  const { id } = await start()
  await pass(600)
  expect(polls.map(({ at }) => at)).toEqual([5, 10, 20, 35, 65, 125, 185, 245])
  expect(signIns.get(ann, id)).toMatchObject({ state: 'done', failure: null })
  expect(kept).toMatchObject([{ made_by: 'user-ann', account_id: null, use_for: 'send' }])
})

test('an interval and a life that a provider names are bounded, and a code that expires ends the sign-in', async () => {
  const { signIns, start, pass, polls, answers, begun } = startSignIns()
  answers.poll = async () => {
    throw faultOf('authorization_pending')
  }
  Object.assign(begun, { intervalSeconds: 0, expiresInSeconds: 3 })
  const short = await start()
  await pass(10)
  expect(polls.map(({ at }) => at)).toEqual([1, 2])
  expect(signIns.get(ann, short.id)).toMatchObject({ state: 'failed', failure: expect.stringContaining('expired') })
  Object.assign(begun, { intervalSeconds: 1e6, expiresInSeconds: 1e9 })
  const long = await start()
  expect(Date.parse(long.expires_at) - begin).toBe((10 + 30 * 60) * 1_000)
  await pass(120)
  expect(polls.slice(2).map(({ at }) => at)).toEqual([70, 130])
  answers.poll = async () => {
    throw faultOf('expired_token')
  }
  await pass(60)
  expect(signIns.get(ann, long.id)).toMatchObject({ state: 'failed', failure: expect.stringContaining('expired') })
})

test('one that was cancelled, evicted or stopped is polled no more; a user has 20, and all have 1,000', async () => {
  const { signIns, start, pass, polls, answers, clock } = startSignIns()
  answers.poll = async () => {
    throw faultOf('authorization_pending')
  }
  const [first, second] = [await start(), await start()]
  expect(() => signIns.cancel(bob, first.id)).toThrow('no such sign-in')
  signIns.cancel(ann, first.id)
  expect(() => signIns.get(ann, first.id)).toThrow('no such sign-in')
  const others = await Promise.all(Array.from({ length: 19 }, () => start()))
  expect(signIns.get(ann, second.id).state).toBe('waiting')
  await start()
  expect(() => signIns.get(ann, second.id)).toThrow('no such sign-in')
  await pass(5)
  expect(polls.map(({ code }) => code).includes('device-0')).toBe(false)
  expect(polls.map(({ code }) => code).includes('device-1')).toBe(false)
  expect(polls.length).toBe(20)
  const isThere = (id: string) => {
    try {
      return signIns.get(ann, id).state === 'waiting'
    } catch {
      return false
    }
  }
  for (let user = 0; user < 980; user++) await start(sessionOf(`s${user}`, `user${user}`))
  expect(isThere(others[0]!.id)).toBe(true)
  await start(bob)
  expect([isThere(others[0]!.id), isThere(others[1]!.id)]).toEqual([false, true])
  await signIns.stop()
  const { length } = polls
  await pass(60)
  expect([polls.length, clock.at]).toEqual([length, begin + 65_000])
})

test('outcomes are remembered for half an hour, and give their room back', async () => {
  const { signIns, start, pass, answers } = startSignIns()
  const { id } = await start()
  await pass(15 * 60 + 30 * 60 - 1)
  expect(signIns.get(ann, id).state).toBe('done')
  await pass(1)
  expect(() => signIns.get(ann, id)).toThrow('no such sign-in')
  answers.poll = () => new Promise(() => undefined)
  const early = await start(ann, 'browser')
  for (let number = 0; number < 19; number++) await start()
  expect(signIns.get(ann, early.id).state).toBe('waiting')
})

test('the browser of the session that began it finishes a sign-in, once, and in time', async () => {
  const { signIns, start, pass, kept } = startSignIns()
  const callbackOf = ({ authorization_url: url }: { authorization_url: string | null }) =>
    new URL(`http://127.0.0.1:9/oauth/mail/callback?code=c&state=${new URL(url!).searchParams.get('state')}`)
  const mine = await start(ann, 'browser')
  const callback = callbackOf(mine)
  for (const other of [bob, sessionOf('another-session', 'ann'), principalOf(ann.id, { userId: 'ann' })]) {
    expect(await signIns.finish(other, callback)).toBeUndefined()
  }
  expect(await signIns.finish(ann, new URL('http://127.0.0.1:9/?code=c'))).toBeUndefined()
  expect(await signIns.finish(ann, callback)).toEqual({ id: mine.id, accountId: undefined })
  expect(await signIns.finish(ann, callback)).toBeUndefined()
  const late = await start(ann, 'browser')
  await pass(10 * 60)
  expect(await signIns.finish(ann, callbackOf(late))).toBeUndefined()
  expect(kept.length).toBe(1)
  // A list of accounts grows by nothing that its owner connects.
  await expect(start(principalOf('narrow', { accounts: new Set(['a']) }))).rejects.toMatchObject({
    code: 'beyond_own_rights',
  })
  await expect(start(principalOf('token', { accounts: 'all' }), 'browser')).rejects.toMatchObject({
    code: 'not_possible_now',
  })
})

test('why a sign-in cannot begin, or fails, is told in words, and bugs are told as such', async () => {
  const { signIns, start, pass, answers, begun } = startSignIns()
  begun.failure = faultOf('503', 'away')
  await expect(start()).rejects.toMatchObject({ code: 'oauth_unreachable' })
  begun.failure = faultOf('access_denied', 'denied')
  await expect(start()).rejects.toMatchObject({ code: 'oauth_failed' })
  begun.failure = new Problem('address_refused', 'Not that address.')
  await expect(start()).rejects.toBe(begun.failure)
  begun.failure = undefined
  await expect(start(ann, 'device', 'google')).rejects.toMatchObject({ code: 'oauth_failed' })
  const failureOf = async (poll: () => Promise<OAuthTokens>) => {
    answers.poll = poll
    const { id } = await start()
    await pass(5)
    return signIns.get(ann, id)
  }
  const bug = await failureOf(() => Promise.reject(new TypeError('undefined is not a function')))
  expect(bug).toMatchObject({ state: 'failed', failure: expect.stringContaining('Something went wrong') })
  const partly = await failureOf(async () => ({ ...tokens, scopes: scopes.slice(0, 1) }))
  expect(partly.failure).toContain('did not grant')
  const denied = await failureOf(() => Promise.reject(faultOf('access_denied', 'denied')))
  expect(denied.failure).toContain('cancelled there')
})
