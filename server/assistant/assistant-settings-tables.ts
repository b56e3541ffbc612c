/** The tables of the assistant's settings, as Kysely sees them. */
declare module '../platform/database/tables.ts' {
  interface Tables {
    assistant_providers: AssistantProviderRow
    assistant_settings: AssistantSettingsRow
  }
}

/** A provider that was added on the page. */
export interface AssistantProviderRow {
  id: string
  /** `ProviderBody` without its key, as JSON. */
  settings: string
  /** Null if the provider needs no key. */
  key_sealed: string | null
  created_at: string
  changed_at: string
}

/** A table with a single row. */
export interface AssistantSettingsRow {
  id: number
  /** Order, limits, shares, and settings of the environment's providers, as JSON. */
  value: string
  changed_at: string
}

export function providerKeyContext(id: string): string {
  return `assistant provider ${id}`
}
