/** An item that the playground can call, and the result of a call. */
import type { JsonSchema } from './schema-fields.ts'

export interface Offer {
  key: string
  name: string
  title: string | undefined
  description: string | undefined
  schema: JsonSchema
  /** Label of its button. */
  act: string
  run(input: Record<string, unknown>): Promise<unknown>
}

export interface Came {
  result: unknown
  ms: number
}
