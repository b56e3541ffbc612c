/** JSON Schema of what a tool takes and answers, in as few words as it can be said: every client's model reads it. */
import { z } from 'zod'

export type ObjectSchema = { type: 'object'; [key: string]: unknown }

/** @throws Error for what is no object: tools take and answer objects alone. */
export function toolSchema(type: z.ZodType, io: 'input' | 'output'): ObjectSchema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, {
    io,
    override: ({ jsonSchema }) => {
      // What zod says of every whole number.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      // A caller that breaks one gets a readable error.
      delete jsonSchema.pattern
      if (io === 'output') delete jsonSchema.additionalProperties
    },
  })
  if (schema.type !== 'object') throw new Error('a tool takes and answers an object')
  return { ...schema, type: 'object' }
}
