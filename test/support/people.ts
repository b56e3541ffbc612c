/** A server in this process, and the users and tokens that act on it, each created through its own API. */

import { onTestFinished } from 'vitest'
import type { Role } from '../../contract/access.ts'
import { api } from '../../contract/index.ts'
import { isMailScope, type Scope } from '../../contract/scope.ts'
import { type App, createApp } from '../../server/app.ts'
import { type Config, loadConfig } from '../../server/config.ts'
import type { Overrides } from '../../server/overrides.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { prepareDataDir } from './migrated-file.ts'
import { passwordMemory } from './passwords.ts'
import { administrator, enter } from './signed-in.ts'
import { tempDir } from './temp-dir.ts'

/** Headers that authenticate a request. */
export type Proof = Record<string, string>

export interface Answer {
  status: number
  headers: Headers
  text: string
}

export interface Person {
  userId: string
  email: string
  proof: Proof
}

export interface NewToken {
  id: string
  secret: string
  proof: Proof
}

export interface Surroundings {
  /** Arguments as on the command line. */
  args?: string[]
  environment?: Record<string, string>
  overrides?: Overrides
}

const { password } = administrator

/** Runs a server without rate limits, which the caller stops. */
export async function runApp({ args = [], environment = {}, overrides = {} }: Surroundings = {}) {
  const dir = tempDir('app')
  const dataDir = `${dir.path}/data`
  if (!('RUSTYMAIL_DATABASE_URL' in environment || overrides.openDatabase)) await prepareDataDir(dataDir)
  const variables = {
    RUSTYMAIL_PORT: '0',
    RUSTYMAIL_DATA_DIR: dataDir,
    RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8',
    RUSTYMAIL_RATE_LIMIT: '100000000',
    // No discovery leaves this machine.
    RUSTYMAIL_AUTOCONFIG: overrides.discovery ? 'network' : 'shipped',
    ...environment,
  }
  const config = loadConfig(args, variables)
  const app = createApp(config, { passwordMemory, logger: createLogger('silent'), ...overrides })
  await app.start()
  const link = await app.createSetupLink()
  const cookie = await enter(app.address, link?.split('#')[1])
  const stop = async () => {
    await app.stop()
    dir.remove()
  }
  return { app, config, people: new People(app.address, cookie), dataDir, stop }
}

/** Starts a server that is stopped when the test ends. */
export async function startApp(surroundings?: Surroundings): Promise<{ app: App; config: Config; people: People }> {
  const { stop, ...running } = await runApp(surroundings)
  onTestFinished(stop)
  return running
}

export class People {
  readonly url: string
  /** The administrator of the set-up link, with a session. */
  readonly admin: Proof
  #count = 0

  constructor(url: string, cookie: string) {
    this.url = url
    this.admin = this.#session(cookie)
  }

  /** Sends a request without following redirects. @param path Path as in the contract, with parameters filled in. */
  async ask(proof: Proof, method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = body === undefined ? proof : { ...proof, 'content-type': 'application/json' }
    const sent = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(this.url + path, { method, headers, redirect: 'manual', ...sent })
    const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream')
    if (isStream) await answer.body?.cancel()
    return { status: answer.status, headers: answer.headers, text: isStream ? '' : await answer.text() }
  }

  /** Sends a request; throws unless it succeeds. */
  async tell<T = unknown>(proof: Proof, method: string, path: string, body?: unknown): Promise<T> {
    const { status, text } = await this.ask(proof, method, path, body)
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /** Invites a user who then signs up by the link. */
  async invite(role: Role, accounts: 'all' | string[] = 'all'): Promise<Person> {
    const email = `person-${++this.#count}@example.com`
    const wanted = { email, name: `Person ${this.#count}`, role, accounts }
    const { user, link } = await this.tell<{ user: { id: string }; link: string }>(
      this.admin,
      'POST',
      api.users.inviteUser.path,
      wanted,
    )
    const given = { link_token: link.split('#')[1], password }
    const { status, headers, text } = await this.ask({}, 'POST', api.users.acceptLink.path, given)
    if (status !== 201) throw new Error(`nobody came by the link: ${status} ${text}`)
    return { userId: user.id, email, proof: this.#session(headers.getSetCookie()[0]!.split(';')[0]!) }
  }

  /** Creates a token of the administrator, so that it can have every scope. */
  async token(scopes: Scope[], accounts: string[] = []): Promise<NewToken> {
    // A new mail token has to name an account; one without is created first and then changed.
    const isWithout = accounts.length === 0 && scopes.some(isMailScope)
    const given: Scope[] = isWithout ? ['dashboard:read'] : scopes
    const wanted = { name: `token ${++this.#count}`, scopes: given, accounts }
    const path = api.tokens.createToken.path
    const { token, info } = await this.tell<{ token: string; info: { id: string } }>(this.admin, 'POST', path, wanted)
    if (isWithout) await this.tell(this.admin, 'PATCH', `${path}/${info.id}`, { scopes })
    return { id: info.id, secret: token, proof: { authorization: `Bearer ${token}` } }
  }

  #session(cookie: string): Proof {
    return { cookie, origin: new URL(this.url).origin }
  }
}
