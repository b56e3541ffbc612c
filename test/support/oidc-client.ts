/** Clients of a real OpenID Connect provider, at which Ann has signed in. */
import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { OidcClient } from '../../server/oidc/oidc-client.ts'
import { OidcProvider, oidcClientId, oidcClientSecret } from './oidc-provider.ts'
import { PlainBrowser } from './plain-browser.ts'

export const redirectUri = 'http://127.0.0.1:9/back'
export const secret = () => randomBytes(32).toString('base64url')
export const secrets = () => ({ state: secret(), nonce: secret(), verifier: secret() })

export async function startProvider(options?: Parameters<typeof OidcProvider.start>[0]) {
  const provider = await OidcProvider.start(options)
  onTestFinished(() => provider.close())
  provider.redirectUris.push(redirectUri)
  provider.people.set('ann', { email: 'ann@example.com', email_verified: true, name: 'Ann', groups: ['staff', 'all'] })
  return provider
}

interface ClientOptions {
  clientSecret?: string
  trustEmail?: boolean
  groupsClaim?: string
  fetch?: typeof fetch
  now?: () => number
}

export function clientOf(issuer: string, options: ClientOptions = {}) {
  const { now = Date.now, fetch: through = fetch, ...rest } = options
  const scopes = 'openid email profile groups'
  const known = { issuer, clientId: oidcClientId, clientSecret: oidcClientSecret, trustEmail: false }
  const config = { ...known, scopes, groupsClaim: 'groups' }
  return new OidcClient({ config: { ...config, ...rest }, now, fetch: through })
}

/** Signs in as Ann on the provider's page; returns the address of the redirect back. */
export async function comeBack(client: OidcClient, login = secrets(), form: Record<string, string> = { login: 'ann' }) {
  const browser = new PlainBrowser()
  const isBack = (next: URL) => next.href.startsWith(redirectUri)
  const page = await browser.follow(await browser.visit(await client.authorizationUrl(redirectUri, login)))
  const { location } = await browser.follow(await browser.visit(page.url, form), isBack)
  return { callback: location!, login }
}
