/** JSON Schema of what the contract describes; types with an id become components that a document shares. */
import { z } from 'zod'
import { defaultMark } from './wire.ts'

export type Json = Record<string, unknown>

/** JSON Schema 2020-12 of a type; its named parts move to `components`. */
export function toSchema(type: z.ZodType, io: 'input' | 'output', components: Json): unknown {
  const { $schema, $defs, ...schema } = z.toJSONSchema(type, {
    io,
    unrepresentable: 'any',
    reused: 'inline',
    override: ({ jsonSchema }) => boundNumber(jsonSchema as Json, io),
  }) as Json & { $defs?: Json; id?: string }
  const named = moveRefs(schema) as Json
  for (const [name, definition] of Object.entries($defs ?? {}))
    components[name] = withoutId(moveRefs(definition) as Json)
  if (typeof schema.id !== 'string') return named
  components[schema.id] = withoutId(named)
  return { $ref: `#/components/schemas/${schema.id}` }
}

/** Numbers in responses are counts, sizes, times and shares: none is negative. Inputs have the bounds that are enforced. */
function boundNumber(schema: Json, io: 'input' | 'output'): void {
  if (schema.type !== 'integer' && schema.type !== 'number') return
  // A number in a URL is validated by a pattern, which adds nothing to its type.
  delete schema.pattern
  if (schema[defaultMark] !== undefined) schema.default = schema[defaultMark]
  delete schema[defaultMark]
  if (io === 'input') return
  if (typeof schema.minimum !== 'number' || schema.minimum < 0) schema.minimum = 0
}

function withoutId({ id: _id, ...rest }: Json): Json {
  return rest
}

function moveRefs(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(moveRefs)
  if (node === null || typeof node !== 'object') return node
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string'
        ? value.replace('#/$defs/', '#/components/schemas/')
        : moveRefs(value),
    ]),
  )
}
