/** Types of the parts of oidc-provider 9 that the server and the tests use; the package has none. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface Grant {
    addOIDCScope(scope: string): void
    addResourceScope(resource: string, scope: string): void
    save(): Promise<string>
  }
  interface Client {
    clientId: string
    clientName?: string
    clientUri?: string
    /** Set if the metadata was fetched from the URL that is the client's id. */
    clientIdMetadataDocument?: true
    grantTypeAllowed(name: string): boolean
  }
  interface Context {
    oidc: {
      client: { clientId: string }
      session: { accountId: string }
      requestParamScopes: Set<string>
    }
    type: string
    body: unknown
  }
  interface Interaction {
    uid: string
    exp: number
    returnTo: string
    params: Record<string, unknown>
    result: unknown
    save(seconds: number): Promise<string>
  }
  interface Adapter {
    find(id: string): Promise<unknown>
  }
  type Result = { login: { accountId: string } } | { error: string; error_description: string }

  export class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>)
    readonly issuer: string
    readonly Grant: new (of: {
      accountId: string
      clientId: string
      jti?: string
    }) => Grant
    readonly Client: { find(id: string): Promise<Client | undefined> }
    readonly AccessToken: {
      revokeByGrantId(id: string): Promise<void>
      find(id: string): Promise<{ destroy(): Promise<void> } | undefined>
      prototype: { format: string; generateTokenId(): string }
    }
    readonly RefreshToken: { revokeByGrantId(id: string): Promise<void> }
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Result,
      options: { mergeWithLastSubmission: boolean },
    ): Promise<void>
    on(event: string, listener: (...heard: unknown[]) => void): this
  }

  export const errors: Record<
    'InvalidGrant' | 'InvalidTarget' | 'InvalidClientMetadata' | 'SessionNotFound',
    new (
      description?: string,
      detail?: string,
    ) => Error
  >
}
