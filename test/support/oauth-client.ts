/** The SDK's own OAuth client, and a user whose browser decides about it on our consent endpoints. */
import {
  Client,
  type OAuthClientInformationFull,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client'
import { onTestFinished } from 'vitest'
import { mcpPath } from '../../contract/mcp.ts'
import { type ConnectionRequest, mcpAuthApi } from '../../contract/mcp-auth.ts'
import type { Answer, People, Proof } from './people.ts'

export const redirectUri = 'http://localhost:39111/callback'

/** Remembers its credentials as a client does. */
export class TestClient implements OAuthClientProvider {
  redirectUrl = redirectUri
  readonly clientMetadataUrl?: string
  information: OAuthClientInformationFull | undefined
  kept: OAuthTokens | undefined
  /** The URL to which it wanted to redirect the browser. */
  asked: URL | undefined
  #verifier = ''
  #discovered: OAuthDiscoveryState | undefined

  /** @param documentUrl URL of its metadata document, which is then its client id. */
  constructor(documentUrl?: string) {
    if (documentUrl !== undefined) this.clientMetadataUrl = documentUrl
  }

  get clientMetadata() {
    return {
      client_name: 'Test client',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
  }

  state = () => 'the-state-of-the-client'
  clientInformation = () => this.information
  saveClientInformation = (information: unknown) => {
    this.information = information as OAuthClientInformationFull
  }
  tokens = () => this.kept
  saveTokens = (tokens: OAuthTokens) => {
    this.kept = tokens
  }
  redirectToAuthorization = (url: URL) => {
    this.asked = url
  }
  saveCodeVerifier = (verifier: string) => {
    this.#verifier = verifier
  }
  codeVerifier = () => this.#verifier
  saveDiscoveryState = (state: OAuthDiscoveryState) => {
    this.#discovered = state
  }
  discoveryState = () => this.#discovered
  invalidateCredentials = (what: string) => {
    if (what !== 'verifier' && what !== 'discovery') this.kept = undefined
  }
}

/** Connects a client; throws if it is not authorised. */
export async function connectOAuth(url: string, authProvider: TestClient): Promise<Client> {
  const client = new Client(
    { name: 'hosted', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  )
  onTestFinished(() => client.close())
  await client.connect(new StreamableHTTPClientTransport(new URL(url + mcpPath), { authProvider }))
  return client
}

/** A browser's cookies beside that of its session. */
export class Visitor {
  readonly people: People
  readonly proof: Proof
  readonly #cookies: Map<string, string>

  constructor(people: People, proof: Proof, cookies = new Map<string, string>()) {
    this.people = people
    this.proof = proof
    this.#cookies = cookies
  }

  /** Returns the same browser on a restarted server. */
  at(people: People): Visitor {
    return new Visitor(people, people.admin, this.#cookies)
  }

  async open(address: string | URL): Promise<{ status: number; location: string; text: string }> {
    const headers = { cookie: this.#cookie(), accept: 'text/html' }
    const answer = await fetch(address, { headers, redirect: 'manual' })
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      this.#cookies.set(name, value)
    }
    return { status: answer.status, location: answer.headers.get('location') ?? '', text: await answer.text() }
  }

  /** Follows the client's redirect to our consent page. @returns The id of the request. */
  async come(address: string | URL): Promise<string> {
    const { location, text, status } = await this.open(address)
    const id = /\/connect\/([\w-]+)$/.exec(location)?.[1]
    if (id === undefined) throw new Error(`the browser was not sent to our page: ${status} ${location} ${text}`)
    return id
  }

  ask(method: string, path: string, id: string, body?: unknown): Promise<Answer> {
    const cookie = [this.proof.cookie, this.#cookie()].join('; ')
    return this.people.ask({ ...this.proof, cookie }, method, path.replace('{request_id}', id), body)
  }

  async look(id: string): Promise<ConnectionRequest> {
    const { text, status } = await this.ask('GET', mcpAuthApi.getConnectionRequest.path, id)
    if (status !== 200) throw new Error(`the request is not there: ${status} ${text}`)
    return JSON.parse(text)
  }

  /** @returns The address that the browser is redirected back to. */
  async approve(id: string, change: object): Promise<URL> {
    return this.#goOn(await this.ask('POST', mcpAuthApi.approveConnection.path, id, { ...usual(), ...change }))
  }

  async deny(id: string): Promise<URL> {
    return this.#goOn(await this.ask('POST', mcpAuthApi.denyConnection.path, id))
  }

  async #goOn({ status, text }: Answer): Promise<URL> {
    if (status !== 200) throw new Error(`not decided: ${status} ${text}`)
    const { redirect_to } = JSON.parse(text) as { redirect_to: string }
    const { location, text: words } = await this.open(new URL(redirect_to, this.people.url))
    if (location === '') throw new Error(`the browser was not sent back: ${words}`)
    return new URL(location)
  }

  #cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }
}

export function usual() {
  const expires_at = new Date(Date.now() + 30 * 86_400_000).toISOString()
  return { name: 'Test client', preset: 'reader', proposes: false, accounts: [], expires_at }
}

/** Starts the flow, lets the user approve, and connects with the code. */
export async function connectWithConsent(people: People, client: TestClient, change: object): Promise<Client> {
  const visitor = new Visitor(people, people.admin)
  await connectOAuth(people.url, client).then(
    () => {
      throw new Error('it was let in without consent')
    },
    () => undefined,
  )
  if (!client.asked) throw new Error('it did not ask for consent')
  const back = await visitor.approve(await visitor.come(client.asked), change)
  const transport = new StreamableHTTPClientTransport(new URL(people.url + mcpPath), { authProvider: client })
  await transport.finishAuth(back.searchParams)
  return connectOAuth(people.url, client)
}
