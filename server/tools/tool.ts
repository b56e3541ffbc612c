/** A tool for models, as data and a function: declared once, for MCP and the assistant alike. The Toolbox runs it. */
import { z } from 'zod'
import type { Effect, LimitName } from '../../contract/endpoint.ts'
import type { ProblemCode } from '../../contract/problem.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Principal } from '../platform/principal.ts'

export interface ToolCall<Input> {
  principal: Principal
  input: Input
  /** Aborts when the caller no longer waits for the answer. */
  signal: AbortSignal
  /** The id that an earlier call returned by `asks`: the tool reports its state, and does nothing again. */
  waiting?: string | undefined
  /** Adds details for the trail, beside the account, while work is done, since it may break off. No secrets. */
  note(refs: Record<string, string>): void
  /** Adds a block that is not text to the answer. */
  attach(block: ToolBlock): void
}

/** Content blocks of MCP; `data` and `blob` are base64. */
export type ToolBlock =
  | { type: 'image'; data: string; mimeType: string }
  | { type: 'resource_link'; uri: string; name: string; mimeType: string }
  | { type: 'resource'; resource: { uri: string; mimeType: string; blob: string } }

/** What a human has to decide on a page after signing in; opening the page decides nothing. */
export interface HumanDecision {
  /** The id of what waits. */
  id: string
  url: string
  message: string
}

interface Declared<Input, Output> {
  name: string
  title: string
  /** Description for the model: purpose and caveats. Every word costs every client that lists the tool. */
  description: string
  /** The scope that a caller needs; `signed_in` admits every principal. */
  scope: Scope | 'signed_in'
  effect: Effect
  /** A stricter limit of the tool, beside the common one. */
  limit?: LimitName
  input: z.ZodType<Input>
  /** An object; fields that it does not name are dropped. */
  output: z.ZodType<Output>
  /**
   * Renders the output as lines, for models that are shown no structured output: every fact in fewer words. JSON unless
   * given.
   */
  text?(output: NoInfer<Output>): string
  /** Returns what a human has to decide first. Only a tool with it is called with `waiting`. */
  asks?(output: NoInfer<Output>): HumanDecision | undefined
  /** Hints on what to do about a problem. */
  hints?: Partial<Record<ProblemCode, string>>
}

interface OfNoAccount<Input, Output> extends Declared<Input, Output> {
  accountOf?: undefined
  run(call: ToolCall<NoInfer<Input>>): Promise<NoInfer<Output>> | NoInfer<Output>
}

interface OfOneAccount<Input, Output> extends Declared<Input, Output> {
  /**
   * Returns the account that the call is about. The gate checks whether the principal may see it, so the tool need not.
   */
  accountOf(principal: Principal, input: NoInfer<Input>): Promise<string> | string
  run(call: ToolCall<NoInfer<Input>> & { accountId: string }): Promise<NoInfer<Output>> | NoInfer<Output>
}

export type Tool<Input = unknown, Output = unknown> = OfNoAccount<Input, Output> | OfOneAccount<Input, Output>

/** Declares a tool; exists only to infer its types. */
export function defineTool<Input, Output>(tool: OfNoAccount<Input, Output>): Tool<Input, Output> {
  return tool
}

/** Declares a tool whose calls are about one account each. */
export function defineAccountTool<Input, Output>(tool: OfOneAccount<Input, Output>): Tool<Input, Output> {
  return tool
}

/** Hints to clients before a call; the gate does not rely on them. */
export interface ToolAnnotations {
  readOnlyHint?: boolean
  destructiveHint?: boolean
  /** Whether it reaches people and systems outside. */
  openWorldHint?: boolean
}

/** Only deviations from MCP's defaults, which are: changes something, may destroy, reaches out. */
export const annotations: Record<Effect, ToolAnnotations> = {
  read: { readOnlyHint: true, openWorldHint: false },
  write: { destructiveHint: false, openWorldHint: false },
  send: { destructiveHint: false },
  destroy: { openWorldHint: false },
}

// Builds the JSON Schema of a tool's input and output, as short as possible: every client's model reads it.

/** A maximum above this is left out, since no model reaches it by chance. */
const longList = 100

export type ObjectSchema = { type: 'object'; [key: string]: unknown }

/** @throws Error unless it is an object, the only type of input and output. */
export function toolSchema(type: z.ZodType, io: 'input' | 'output'): ObjectSchema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, {
    io,
    override: ({ jsonSchema, path }) => {
      // Bounds that zod adds to every integer.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      // A caller that violates a pattern gets a readable error.
      delete jsonSchema.pattern
      // An unknown field is refused by its name.
      delete jsonSchema.additionalProperties
      delete jsonSchema.propertyNames
      // An answer itself shows which fields of its parts are always present.
      if (io === 'output' && path.length > 0) delete jsonSchema.required
      // Models do not count characters; a text that is too long is refused with the bound.
      delete jsonSchema.maxLength
      if (jsonSchema.minLength === 1) delete jsonSchema.minLength
      // No model asks for an empty list.
      if (jsonSchema.minItems === 1) delete jsonSchema.minItems
      // No model asks for less than the minimum.
      delete jsonSchema.minimum
      if ((jsonSchema.maxItems ?? 0) > longList) delete jsonSchema.maxItems
      delete jsonSchema.examples
    },
  })
  if (schema.type !== 'object') throw new Error('a tool takes and answers an object')
  return { ...(io === 'output' ? (inFewWords(schema, new Set()) as object) : schema), type: 'object' }
}

/** Shortens the schema of a part whose fields an answer shows by itself. */
export const brief = { brief: true }

/**
 * Shortens output schemas. A part with the same fields as an earlier one keeps only its type, so that an address is
 * described once; so do parts marked `brief`, and lists of such parts.
 */
function inFewWords(part: unknown, said: Set<string>): unknown {
  if (Array.isArray(part)) return part.map(each => inFewWords(each, said))
  if (!isObject(part)) return part
  const { brief: isBrief, properties, ...rest } = part
  const fields = properties && 'type' in part ? JSON.stringify(properties) : undefined
  const isKnown = fields !== undefined && said.has(fields)
  if (fields !== undefined) said.add(fields)
  const told = isBrief || isKnown || properties === undefined ? rest : { ...rest, properties }
  const entries = Object.entries(told).map(([key, value]) => [key, inFewWords(value, said)] as const)
  const isPlain = (value: unknown) => isObject(value) && Object.keys(value).join() === 'type'
  const hasConstant = 'const' in told || 'enum' in told
  return Object.fromEntries(
    entries.filter(([key, value]) => !(key === 'items' && isPlain(value)) && !(key === 'type' && hasConstant)),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
