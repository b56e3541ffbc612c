/** A server in this process with TLS, and people who call it over HTTP/2. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2'
import { expect, onTestFinished } from 'vitest'
import { api } from '../../contract/index.ts'
import { createApp } from '../../server/app.ts'
import { loadConfig } from '../../server/config.ts'
import { createLogger } from '../../server/platform/logger.ts'
import { passwordMemory } from './passwords.ts'
import { type Answer, People, type Proof, type Surroundings } from './people.ts'
import { administrator } from './signed-in.ts'
import { tempDir } from './temp-dir.ts'
import { openSession, requestOver2, selfSigned, wholeOf } from './tls.ts'

/** Sends all requests over one connection. */
export class PeopleOver2 extends People {
  readonly #session: ClientHttp2Session

  constructor(url: string, cookie: string, session: ClientHttp2Session) {
    super(url, cookie)
    this.#session = session
  }

  override async ask(proof: Proof, method: string, path: string, body?: unknown): Promise<Answer> {
    const type = body === undefined ? {} : { 'content-type': 'application/json' }
    const stream = this.#session.request({ ':method': method, ':path': path, ...proof, ...type })
    stream.end(body === undefined ? undefined : JSON.stringify(body))
    const whole = wholeOf(stream)
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }]
    const fields = Object.entries(head).filter(([name]) => !name.startsWith(':'))
    const headers = new Headers(fields.flatMap(([name, value]) => [value ?? ''].flat().map(each => [name, each])))
    const isStream = headers.get('content-type')?.startsWith('text/event-stream')
    if (isStream) stream.close()
    return { status: head[':status'], headers, text: isStream ? '' : await whole }
  }
}

/** Starts a server without rate limits, stopped when the test ends. */
export async function startAppOverTls({ environment = {}, overrides = {} }: Surroundings = {}) {
  const dir = tempDir('tls-app')
  onTestFinished(() => dir.remove())
  const { certFile, keyFile } = selfSigned()
  const variables = {
    RUSTYMAIL_PORT: '0',
    RUSTYMAIL_DATA_DIR: `${dir.path}/data`,
    RUSTYMAIL_PRIVATE_NETWORKS: '127.0.0.0/8',
    RUSTYMAIL_RATE_LIMIT: '100000000',
    RUSTYMAIL_TLS_CERT: certFile,
    RUSTYMAIL_TLS_KEY: keyFile,
    ...environment,
  }
  const app = createApp(loadConfig([], variables), { passwordMemory, logger: createLogger('silent'), ...overrides })
  onTestFinished(() => app.stop())
  await app.start()
  const ca = readFileSync(certFile)
  const session = await openSession(app.address, ca, {})
  expect(session.alpnProtocol).toBe('h2')
  const setup_token = (await app.createSetupLink())?.split('#')[1]
  const { path } = api.access.setUp
  const { status, headers } = await requestOver2(session, path, {
    method: 'POST',
    body: { setup_token, ...administrator },
  })
  expect(status).toBe(201)
  const cookie = headers['set-cookie']![0]!.split(';')[0]!
  expect(cookie).toMatch(/^__Host-/)
  return { app, people: new PeopleOver2(app.address, cookie, session), ca }
}
