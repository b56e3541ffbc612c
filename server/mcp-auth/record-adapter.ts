/**
 * The storage of `oidc-provider`: sealed records under the digest of their id, each tied to its connection. A grant of
 * the library is a token of RustyMail: it has the token's current rights, and ends with it.
 */
import { createHash } from 'node:crypto'
import type { SecretBox } from '../platform/secret-box.ts'
import type { TokenService } from '../tokens/token-service.ts'
import type { McpAuthStore } from './mcp-auth-store.ts'
import { recordSealContext } from './mcp-auth-tables.ts'

export interface RecordSurroundings {
  store: McpAuthStore
  secrets: SecretBox
  tokens: Pick<TokenService, 'issueSecret' | 'endSecret' | 'findConnection' | 'endConnection'>
  /** Origin of the server for which access tokens are issued. */
  origin: string
  now(): number
  /** Creates the error for reusing something that works once. */
  usedBefore(): Error
  /** Records per kind; lowered only in tests. */
  most?: number
}

type Payload = Record<string, unknown> & { grantId?: string; clientId?: string }

/** Records per kind, for refresh tokens per connection; past it those that expire first are evicted. */
const bounds: Record<string, number> = {
  Client: 2_000,
  Interaction: 1_000,
  AuthorizationCode: 20,
  AccessToken: 50,
  RefreshToken: 1_000,
  Grant: 1,
}
/** Lifetime of a registered client: until its first use, and from its last use on. */
const unusedClientMs = 60 * 60_000
const usedClientMs = 180 * 24 * 60 * 60_000
const ofConnection = new Set(['AuthorizationCode', 'AccessToken', 'RefreshToken'])

export class RecordAdapter {
  readonly #kind: string
  readonly #around: RecordSurroundings

  constructor(kind: string, around: RecordSurroundings) {
    this.#kind = kind
    this.#around = around
  }

  async upsert(id: string, payload: Payload, expiresInSeconds?: number): Promise<void> {
    const most = bounds[this.#kind]
    // The library's browser sessions are not used: every request is decided by the user.
    if (most === undefined) return
    const { store, secrets, tokens, origin, now } = this.#around
    const bound = this.#around.most ?? most
    const key = keyOf(this.#kind, id)
    const lifeMs = this.#kind === 'Client' ? unusedClientMs : (expiresInSeconds ?? 0) * 1_000
    const expiresAt = isoOf(now() + lifeMs)
    const row = {
      id: key,
      kind: this.#kind,
      payload_sealed: secrets.seal(JSON.stringify(payload), recordSealContext(key)),
      token_id: this.#tokenIdOf(id, payload),
      created_at: isoOf(now()),
      expires_at: expiresAt,
      consumed_at: null,
    }
    await store.put(row, bound)
    if (this.#kind !== 'AccessToken' || row.token_id === null) return
    await tokens.issueSecret(id, row.token_id, origin, expiresAt)
    if (payload.clientId) await store.extend(keyOf('Client', payload.clientId), isoOf(now() + usedClientMs))
  }

  async find(id: string): Promise<Payload | undefined> {
    const { store, secrets, tokens, now } = this.#around
    const key = keyOf(this.#kind, id)
    const row = await store.find(key)
    if (!row || Date.parse(row.expires_at) <= now()) return undefined
    const payload = JSON.parse(secrets.open(row.payload_sealed, recordSealContext(key))) as Payload
    if (this.#kind === 'Grant') {
      const connection = await tokens.findConnection(id)
      if (!connection || connection.userId !== payload.accountId) return undefined
      // The token may have been narrowed since.
      const scope = connection.rights.scopes.join(' ')
      const resources = Object.keys((payload.resources as object | undefined) ?? {})
      return { ...payload, resources: Object.fromEntries(resources.map(resource => [resource, scope])) }
    }
    if (row.consumed_at === null) return payload
    return { ...payload, consumed: Math.floor(Date.parse(row.consumed_at) / 1_000) }
  }

  /** Consumes a record. When the same code or refresh token is used twice, the second use ends the connection. */
  async consume(id: string): Promise<void> {
    const { store, tokens, now, usedBefore } = this.#around
    const key = keyOf(this.#kind, id)
    if (await store.consume(key, isoOf(now()))) return
    const row = await store.find(key)
    if (row?.token_id) await tokens.endConnection(row.token_id, `${this.#kind} used twice`)
    throw usedBefore()
  }

  async destroy(id: string): Promise<void> {
    if (this.#kind === 'Grant') return this.revokeByGrantId(id)
    await this.#around.store.delete(keyOf(this.#kind, id))
    if (this.#kind === 'AccessToken') await this.#around.tokens.endSecret(id)
  }

  /** Deletes the token of RustyMail with everything that belongs to it. */
  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#around.tokens.endConnection(grantId, 'revoked by its client, or used twice')
  }

  /** Sessions of the library are not stored. */
  async findByUid(): Promise<undefined> {
    return undefined
  }

  async findByUserCode(): Promise<undefined> {
    return undefined
  }

  #tokenIdOf(id: string, { grantId }: Payload): string | null {
    if (this.#kind === 'Grant') return id
    return ofConnection.has(this.#kind) ? (grantId ?? null) : null
  }
}

function keyOf(kind: string, id: string): string {
  return createHash('sha256').update(`${kind}:${id}`).digest('hex')
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
