/** What the playground can ask for, whatever it is, and what came of it. */
import type { JsonSchema } from './schema-fields.ts'

export interface Offer {
  key: string
  name: string
  title: string | undefined
  description: string | undefined
  schema: JsonSchema
  /** The word on its button. */
  act: string
  run(input: Record<string, unknown>): Promise<unknown>
}

export interface Came {
  result: unknown
  ms: number
}
