/** Types for the parts of oidc-provider 9 that the tests use; the package brings none. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface Grant {
    addOIDCScope(scope: string): void
    save(): Promise<string>
  }
  interface Context {
    oidc: {
      client: { clientId: string }
      session: { accountId: string }
      requestParamScopes: Set<string>
    }
  }
  interface Adapter {
    find(id: string): Promise<unknown>
  }
  type Result = { login: { accountId: string } } | { error: string; error_description: string }

  export class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>)
    readonly Grant: new (of: {
      accountId: string
      clientId: string
    }) => Grant
    readonly AccessToken: {
      revokeByGrantId(id: string): Promise<void>
      find(id: string): Promise<{ destroy(): Promise<void> } | undefined>
    }
    readonly RefreshToken: { revokeByGrantId(id: string): Promise<void> }
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Result,
      options: { mergeWithLastSubmission: boolean },
    ): Promise<void>
    on(event: string, listener: (...heard: unknown[]) => void): this
  }
}

declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  import type { Adapter } from 'oidc-provider'

  export function createMemoryAdapter(): (model: string) => Adapter
}
