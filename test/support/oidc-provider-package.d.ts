/** Types for what only the tests use of oidc-provider 9. */
declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  import type { Adapter } from 'oidc-provider'

  export function createMemoryAdapter(): (model: string) => Adapter
}
