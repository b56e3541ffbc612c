/** Types for the parts of oidc-provider 9 that only the tests use. */
declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  import type { Adapter } from 'oidc-provider'

  export function createMemoryAdapter(): (model: string) => Adapter
}
