/** A real OpenID Connect provider on loopback, with people and groups, and a sign-in page of one field. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type Context, Provider } from 'oidc-provider'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
import { freePort } from './free-port.ts'
import { LocalServer } from './local-server.ts'
import { interact } from './login-page.ts'

/** Claims released to clients whose scopes allow them; undefined ones are omitted. */
export interface OidcPerson {
  email?: string
  email_verified?: boolean
  name?: string
  groups?: readonly string[]
  /** Names of claims that are distributed or aggregated elsewhere. */
  _claim_names?: Record<string, string>
}

export const oidcClientId = 'rustymail'
export const oidcClientSecret = 'a-secret-of-the-client-for-tests-only'

interface ProviderOptions {
  isPublicClient?: boolean
  /** Whether the ID token has all claims, which are otherwise in the user info only. */
  tellsInIdToken?: boolean
}

/** Serves a provider where people sign in by subject without a password: `login` signs in, `cancel` aborts. */
export class OidcProvider extends LocalServer {
  /** People by subject; may change at any time. */
  readonly people = new Map<string, OidcPerson>()
  /** Redirect URIs that clients may use. */
  readonly redirectUris: string[] = []
  /** Requested paths, in order. */
  readonly requests: string[] = []
  readonly #provider: Provider

  private constructor(server: Server, { isPublicClient = false, tellsInIdToken = false }: ProviderOptions) {
    super(server)
    const memory = createMemoryAdapter()
    const client = () => ({
      client_id: oidcClientId,
      redirect_uris: this.redirectUris,
      ...(isPublicClient ? { token_endpoint_auth_method: 'none' } : { client_secret: oidcClientSecret }),
    })
    this.#provider = new Provider(this.url, {
      adapter: (model: string) => (model === 'Client' ? { find: async () => client() } : memory(model)),
      claims: {
        openid: ['sub'],
        email: ['email', 'email_verified'],
        profile: ['name'],
        groups: ['groups', '_claim_names'],
      },
      conformIdTokenClaims: !tellsInIdToken,
      cookies: { keys: [randomBytes(16).toString('hex')] },
      jwks: { keys: [{ ...signingKey(), kid: 'signing', use: 'sig', alg: 'RS256' }] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_context: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
      ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
      findAccount: (_context: Context, sub: string) => {
        const person = this.people.get(sub)
        return person && { accountId: sub, claims: () => ({ sub, ...person }) }
      },
      // Every person who signs in consents to everything requested.
      loadExistingGrant: async ({ oidc }: Context) => {
        const grant = new this.#provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId })
        grant.addOIDCScope([...oidc.requestParamScopes].join(' '))
        await grant.save()
        return grant
      },
    })
    const answer = this.#provider.callback()
    server.on('request', (request, response) => {
      this.requests.push((request.url ?? '').split('?')[0]!)
      const page = request.url?.startsWith('/interaction/')
        ? interact(this.#provider, request, response)
        : answer(request, response)
      page.catch((error: unknown) => response.writeHead(500).end(String(error)))
    })
  }

  static async start({ port = 0, ...options }: ProviderOptions & { port?: number } = {}): Promise<OidcProvider> {
    const server = createServer().listen(port || (await freePort()), '127.0.0.1')
    await once(server, 'listening')
    return new OidcProvider(server, options)
  }
}

function signingKey(): object {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
}
