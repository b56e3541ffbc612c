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
  /** As JSON: `ProviderBody` without its key. */
  settings: string
  /** Null: it needs none. */
  key_sealed: string | null
  created_at: string
  changed_at: string
}

/** One row. */
export interface AssistantSettingsRow {
  id: number
  /** As JSON: order, limits, shares, and what is set of providers of the environment. */
  value: string
  changed_at: string
}

export function providerKeyContext(id: string): string {
  return `assistant provider ${id}`
}
