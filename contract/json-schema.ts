/** JSON Schema of what the contract describes; types with an id become components that a document shares. */
import { z } from 'zod'

export type Json = Record<string, unknown>

/** JSON Schema 2020-12 of a type; its named parts move to `components`. */
export function toSchema(type: z.ZodType, io: 'input' | 'output', components: Json): unknown {
  const { $schema, $defs, ...schema } = z.toJSONSchema(type, {
    io,
    unrepresentable: 'any',
    reused: 'inline',
  }) as Json & { $defs?: Json; id?: string }
  const named = moveRefs(schema) as Json
  for (const [name, definition] of Object.entries($defs ?? {}))
    components[name] = withoutId(moveRefs(definition) as Json)
  if (typeof schema.id !== 'string') return named
  components[schema.id] = withoutId(named)
  return { $ref: `#/components/schemas/${schema.id}` }
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
