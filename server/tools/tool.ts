/** A tool for models, as data and a function: declared once, for MCP and the assistant alike. The Toolbox runs it. */
import { z } from 'zod'
import type { Effect, LimitName } from '../../contract/endpoint.ts'
import type { ProblemCode } from '../../contract/problem.ts'
import type { Scope } from '../../contract/scope.ts'
import type { Principal } from '../platform/principal.ts'

export interface ToolCall<Input> {
  principal: Principal
  input: Input
  /** Aborts when nobody waits for the answer any more. */
  signal: AbortSignal
  /** What this call asked a human about when it came before, and comes back for: it says how that stands, and does nothing again. */
  waiting?: string | undefined
  /** For the trail, beside the account: what was done, as it is done, since it may break off. No secrets. */
  note(refs: Record<string, string>): void
  /** Goes along with the answer: what is no text. */
  attach(block: ToolBlock): void
}

/** As MCP has it; `data` and `blob` are base64. */
export type ToolBlock =
  | { type: 'image'; data: string; mimeType: string }
  | { type: 'resource_link'; uri: string; name: string; mimeType: string }
  | { type: 'resource'; resource: { uri: string; mimeType: string; blob: string } }

/** What a human is to look at, on a page where they sign in: opening it decides nothing. */
export interface HumanAsk {
  /** Of what waits. */
  id: string
  url: string
  message: string
}

interface Declared<Input, Output> {
  name: string
  title: string
  /** For the model: what it is for, and what to mind. Every word costs every client that lists it. */
  description: string
  /** What a principal must hold; `signed_in` wants any principal. */
  scope: Scope | 'signed_in'
  effect: Effect
  /** A narrower limit of its own, beside the common one. */
  limit?: LimitName
  input: z.ZodType<Input>
  /** An object. What it does not name does not leave. */
  output: z.ZodType<Output>
  /** The output as lines, for models that are shown no structure: every fact of it in fewer words. JSON, unless given. */
  text?(output: NoInfer<Output>): string
  /** Where a human has to look before it goes on. Only such a tool is called with `waiting`. */
  asks?(output: NoInfer<Output>): HumanAsk | undefined
  /** What to do about a problem, where that can be said beforehand. */
  hints?: Partial<Record<ProblemCode, string>>
}

interface OfNoAccount<Input, Output> extends Declared<Input, Output> {
  accountOf?: undefined
  run(call: ToolCall<NoInfer<Input>>): Promise<NoInfer<Output>> | NoInfer<Output>
}

interface OfOneAccount<Input, Output> extends Declared<Input, Output> {
  /** Whose mail it is about. The gate asks whether the principal may see it, so nothing need be checked here. */
  accountOf(principal: Principal, input: NoInfer<Input>): Promise<string> | string
  run(call: ToolCall<NoInfer<Input>> & { accountId: string }): Promise<NoInfer<Output>> | NoInfer<Output>
}

export type Tool<Input = unknown, Output = unknown> = OfNoAccount<Input, Output> | OfOneAccount<Input, Output>

/** Declares a tool; only here to infer its types. */
export function defineTool<Input, Output>(tool: OfNoAccount<Input, Output>): Tool<Input, Output> {
  return tool
}

/** Declares a tool that is about one account in each call. */
export function defineAccountTool<Input, Output>(tool: OfOneAccount<Input, Output>): Tool<Input, Output> {
  return tool
}

/** What a client may take for granted before it calls. Only hints: the gate does not rely on them. */
export interface ToolAnnotations {
  readOnlyHint?: boolean
  destructiveHint?: boolean
  /** Whether it reaches people and machines out there. */
  openWorldHint?: boolean
}

/** What is not said is what MCP takes for granted: changes something, may destroy, reaches out. */
export const annotations: Record<Effect, ToolAnnotations> = {
  read: { readOnlyHint: true, openWorldHint: false },
  write: { destructiveHint: false, openWorldHint: false },
  send: { destructiveHint: false },
  destroy: { openWorldHint: false },
}

// JSON Schema of what a tool takes and answers, in as few words as it can be said: every client's model reads it.

/** More than anybody names by chance. */
const longList = 100

export type ObjectSchema = { type: 'object'; [key: string]: unknown }

/** @throws Error for what is no object: tools take and answer objects alone. */
export function toolSchema(type: z.ZodType, io: 'input' | 'output'): ObjectSchema {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, {
    io,
    override: ({ jsonSchema, path }) => {
      // What zod says of every whole number.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      // A caller that breaks one gets a readable error.
      delete jsonSchema.pattern
      // A field that a tool does not know is refused by its name.
      delete jsonSchema.additionalProperties
      delete jsonSchema.propertyNames
      // Which fields of a part are always there, an answer shows by itself.
      if (io === 'output' && path.length > 0) delete jsonSchema.required
      // Nobody writes a text by its length; one that is too long is refused with the bound.
      delete jsonSchema.maxLength
      if (jsonSchema.minLength === 1) delete jsonSchema.minLength
      // Nobody asks for nothing.
      if (jsonSchema.minItems === 1) delete jsonSchema.minItems
      // Nor for less than there can be.
      delete jsonSchema.minimum
      if ((jsonSchema.maxItems ?? 0) > longList) delete jsonSchema.maxItems
      delete jsonSchema.examples
    },
  })
  if (schema.type !== 'object') throw new Error('a tool takes and answers an object')
  return { ...(io === 'output' ? (inFewWords(schema, new Set()) as object) : schema), type: 'object' }
}

/** For the schema of a part whose fields an answer shows by itself. */
export const brief = { brief: true }

/**
 * For answers, which nobody writes. A part with the fields of one before it is said by its type: an address is described once, not for each list of
 * them. So is one that is brief, and a list whose items are.
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
