/** Converts a JSON schema to form fields, and the input back to JSON. Types without a field are entered as JSON. */

export interface JsonSchema {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  description?: string
  default?: unknown
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema
  anyOf?: JsonSchema[]
  minimum?: number
  maximum?: number
  maxLength?: number
}

export type FieldKind = 'text' | 'number' | 'boolean' | 'choice' | 'lines' | 'json'

export interface SchemaField {
  name: string
  kind: FieldKind
  isRequired: boolean
  hint: string
  /** The values of an enum. */
  options: string[]
  schema: JsonSchema
}

/** Input by field name; a ticked checkbox is `true`. */
export type Typed = Record<string, string>

export function fieldsOf({ properties = {}, required = [] }: JsonSchema): SchemaField[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    kind: kindOf(schema),
    isRequired: required.includes(name),
    hint: hintOf(schema),
    options: (schema.enum ?? []).map(String),
    schema,
  }))
}

export type Built = { value: Record<string, unknown> } | { faults: Record<string, string> }

/** Builds the arguments; empty fields are omitted. */
export function builtFrom(fields: readonly SchemaField[], typed: Typed): Built {
  const value: Record<string, unknown> = {}
  const faults: Record<string, string> = {}
  for (const field of fields) {
    const text = typed[field.name] ?? ''
    if (text.trim() === '') {
      if (field.isRequired) faults[field.name] = 'This is required.'
      continue
    }
    const read = readAs(field, text)
    if ('fault' in read) faults[field.name] = read.fault
    else value[field.name] = read.value
  }
  return Object.keys(faults).length > 0 ? { faults } : { value }
}

function readAs({ kind, schema, options }: SchemaField, text: string): { value: unknown } | { fault: string } {
  if (kind === 'number') {
    const number = Number(text)
    const isWhole = typeOf(schema) !== 'integer' || Number.isInteger(number)
    return Number.isFinite(number) && isWhole
      ? { value: number }
      : { fault: isWhole ? 'Not a number.' : 'Not a whole number.' }
  }
  if (kind === 'boolean') return { value: text === 'true' }
  if (kind === 'choice') {
    const at = options.indexOf(text)
    return at < 0 ? { fault: 'Not one of the choices.' } : { value: schema.enum?.[at] }
  }
  if (kind === 'lines') {
    const lines = text.split('\n').map(line => line.trim())
    return { value: lines.filter(line => line !== '') }
  }
  if (kind === 'text') return { value: text }
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { fault: 'Not valid JSON.' }
  }
}

function kindOf(schema: JsonSchema): FieldKind {
  if (schema.enum && schema.enum.length > 0) return 'choice'
  const type = typeOf(schema)
  if (type === 'string') return 'text'
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'boolean') return 'boolean'
  if (type === 'array' && schema.items && typeOf(schema.items) === 'string') return 'lines'
  return 'json'
}

/** Returns the type of a schema; of several, the one other than `null`. */
function typeOf({ type }: JsonSchema): string | undefined {
  return Array.isArray(type) ? type.find(each => each !== 'null') : type
}

function hintOf({ description, default: given, minimum, maximum, items }: JsonSchema): string {
  // Bounds at the limits of safe integers say nothing, and are not shown.
  const most = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined
  const least = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined
  const range = least !== undefined && most !== undefined ? `${least} to ${most}` : undefined
  return [
    description,
    range,
    items && typeOf(items) === 'string' ? 'One per line' : undefined,
    items?.enum && `of ${items.enum.join(', ')}`,
    given === undefined ? undefined : `default: ${typeof given === 'string' ? given : JSON.stringify(given)}`,
  ]
    .filter(Boolean)
    .join('; ')
}
