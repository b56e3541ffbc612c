/**
 * A real authorisation server for mail on loopback. People sign in on a page with one field or enter a code; refresh
 * tokens are rotated, and reusing one revokes the whole grant (RFC 9700). Mail servers introspect tokens here.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Context, Provider } from 'oidc-provider'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
import { LocalServer } from './local-server.ts'
import { interact } from './login-page.ts'

export const mailClientId = 'rustymail-mail'
export const mailClientSecret = 'a-secret-of-the-mail-client-for-tests'
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

interface StandIn {
  status: number
  body: object
  headers?: Record<string, string>
}

export class MailAuthority extends LocalServer {
  /** Redirect URIs that clients may use. */
  readonly redirectUris: string[] = []
  /** Requests in order, as `POST /token refresh_token`. */
  readonly requests: string[] = []
  /** Answers in place of the token endpoint. */
  onToken: ((form: URLSearchParams) => StandIn | undefined) | undefined
  /** The newest access token. */
  #issued = ''
  readonly #provider: Provider
  readonly #grants: { id: string; accountId: string }[] = []

  private constructor(server: Server, accessTokenSeconds: number) {
    super(server)
    const memory = createMemoryAdapter()
    const client = () => ({
      client_id: mailClientId,
      client_secret: mailClientSecret,
      redirect_uris: this.redirectUris,
      grant_types: ['authorization_code', 'refresh_token', deviceGrant],
    })
    this.#provider = new Provider(this.url, {
      adapter: (model: string) => (model === 'Client' ? { find: async () => client() } : memory(model)),
      scopes: ['openid', 'mail.read', 'mail.send'],
      cookies: { keys: [randomBytes(16).toString('hex')] },
      jwks: { keys: [{ ...signingKey(), kid: 'signing', use: 'sig', alg: 'RS256' }] },
      features: {
        devInteractions: { enabled: false },
        deviceFlow: { enabled: true },
        introspection: { enabled: true },
        revocation: { enabled: true },
      },
      interactions: { url: (_context: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
      ttl: {
        AccessToken: accessTokenSeconds,
        AuthorizationCode: 60,
        DeviceCode: 600,
        Grant: 6_000,
        IdToken: 600,
        Interaction: 600,
        RefreshToken: 6_000,
        Session: 600,
      },
      rotateRefreshToken: true,
      issueRefreshToken: async () => true,
      findAccount: (_context: Context, sub: string) => ({ accountId: sub, claims: () => ({ sub }) }),
      // Every person who signs in consents to everything requested.
      loadExistingGrant: async ({ oidc }: Context) => {
        const { accountId } = oidc.session
        const grant = new this.#provider.Grant({ accountId, clientId: oidc.client.clientId })
        grant.addOIDCScope([...oidc.requestParamScopes].join(' '))
        this.#grants.push({ id: await grant.save(), accountId })
        return grant
      },
    })
    this.#provider.on('access_token.saved', token => {
      this.#issued = (token as { jti: string }).jti
    })
    const answer = this.#provider.callback()
    server.on('request', (request, response) => {
      this.#serve(request, response, answer).catch((error: unknown) => response.writeHead(500).end(String(error)))
    })
  }

  static async start({ accessTokenSeconds = 3_600 } = {}): Promise<MailAuthority> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new MailAuthority(server, accessTokenSeconds)
  }

  /** The introspection address for mail servers, with their credentials. */
  get introspectionUrl(): string {
    return this.url.replace('//', `//${mailClientId}:${mailClientSecret}@`).concat('/token/introspection')
  }

  get refreshes(): number {
    return this.requests.filter(line => line === 'POST /token refresh_token').length
  }

  /** Returns whose token it is; undefined if it is no longer valid. */
  async ownerOf(token: string): Promise<string | undefined> {
    const authorization = `Basic ${Buffer.from(`${mailClientId}:${mailClientSecret}`).toString('base64')}`
    const body = new URLSearchParams({ token })
    const answer = await fetch(`${this.url}/token/introspection`, { method: 'POST', body, headers: { authorization } })
    const { active, sub } = (await answer.json()) as { active: boolean; sub?: string }
    return active ? sub : undefined
  }

  /** Ends only the newest access token, as its expiry would. */
  async expire(): Promise<void> {
    const token = await this.#provider.AccessToken.find(this.#issued)
    await token?.destroy()
  }

  /** Revokes an account's grant, as on the provider's page of connected apps. */
  async revoke(accountId: string): Promise<void> {
    for (const { id } of this.#grants.filter(grant => grant.accountId === accountId)) {
      for (const model of ['AccessToken', 'RefreshToken'] as const) await this.#provider[model].revokeByGrantId(id)
    }
  }

  /** Signs in as a browser from an authorisation URL, and returns the address it is redirected back to. */
  async signIn(url: string, login: string | 'cancel'): Promise<string> {
    const browser = new Browser(this.url)
    let page = await browser.go(url)
    if (page.at.includes('/interaction/')) {
      const form = login === 'cancel' ? { cancel: '1' } : { login }
      page = await browser.go(page.at, form)
    }
    return page.at
  }

  /** Enters a device code as a person does elsewhere. */
  async typeIn(verificationUri: string, userCode: string, login: string): Promise<string> {
    const browser = new Browser(this.url)
    let page = await browser.go(verificationUri)
    page = await browser.go(`${this.url}/device`, { ...hiddenIn(page.text), user_code: userCode })
    page = await browser.go(`${this.url}/device`, { ...hiddenIn(page.text), user_code: userCode, confirm: 'yes' })
    if (page.at.includes('/interaction/')) page = await browser.go(page.at, { login })
    return page.text
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  ): Promise<void> {
    const path = (request.url ?? '').split('?')[0]!
    if (path.startsWith('/interaction/')) return interact(this.#provider, request, response)
    if (path !== '/token') {
      this.requests.push(`${request.method} ${path}`)
      return answer(request, response)
    }
    const form = new URLSearchParams(await textOf(request))
    this.requests.push(`${request.method} ${path} ${form.get('grant_type')}`)
    const given = this.onToken?.(form)
    if (given) {
      response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers })
      return void response.end(JSON.stringify(given.body))
    }
    // The body is already consumed: the provider accepts it as parsed.
    return answer(Object.assign(request, { body: Object.fromEntries(form) }), response)
  }
}

/** Keeps cookies, and follows redirects within the provider. */
class Browser {
  readonly #origin: string
  readonly #cookies = new Map<string, string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  async go(address: string, form?: Record<string, string>): Promise<{ at: string; text: string }> {
    let [url, body] = [address, form && new URLSearchParams(form)]
    for (;;) {
      if (!url.startsWith(this.#origin)) return { at: url, text: '' }
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
      const answer = await fetch(url, {
        method: body ? 'POST' : 'GET',
        body: body ?? null,
        headers: { cookie },
        redirect: 'manual',
      })
      for (const line of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        this.#cookies.set(name, value)
      }
      const location = answer.headers.get('location')
      if (location === null) return { at: url, text: await answer.text() }
      url = new URL(location, url).href
      body = undefined
    }
  }
}

function hiddenIn(html: string): Record<string, string> {
  const fields = html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)
  return Object.fromEntries([...fields].map(([, name, value]) => [name!, value!]))
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function signingKey(): object {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
}
