/**
 * The form in which a client wants tool results: structured, text, or both; and as a link for the human behind it, if
 * one has to approve.
 */

import { z } from 'zod'
import { Problem } from '../platform/problem.ts'
import type { AnswerSize, ToolInfo, ToolResult } from '../tools/toolbox.ts'
import type { McpCallContext, McpInputRequired, McpResult, McpTool } from './mcp-port.ts'

const forms = ['both', 'structured', 'text'] as const
export type ResultForm = (typeof forms)[number]

const resultHeader = 'rustymail-results'
/** A client capability, `{ "form": "text" }`, for transports without headers. */
const resultExtension = 'rustymail/results'
/** The revision that introduced `structuredContent` and `outputSchema`. */
const structuredSince = '2025-06-18'
/**
 * Programs whose model reads the results, by client name or user agent. Without structured content all of them show it
 * the text; with it, some show only that and others both (docs/decisions/0045-mcp-offer.md). So text is safe for them,
 * whatever their next release does.
 */
const textReaders =
  /^(?:claude-ai|claude-code|claude[- ]desktop|claude-user|visual studio code|vscode|cursor|cursor-vscode|opencode|kimi|github-copilot[\w-]*|copilot-cli|openai-mcp|chatgpt|codex-mcp-client|gemini-cli[\w-]*|goose|zed|windsurf[\w-]*|cline|librechat)(?:[/ (]|$)/i

/**
 * Returns the form of results. No client declares whether its model sees structure or text, and either alone leaves
 * some models or programs with nothing: so both, unless the client asks for one, knows no structure, or is known to
 * read text. @throws Problem for an unknown form.
 */
export function resultFormOf({
  headers,
  revision,
  peer,
  capabilities,
  caller,
}: Pick<McpCallContext, 'headers' | 'revision' | 'peer' | 'capabilities' | 'caller'>): ResultForm {
  const wanted = (headers && wantedForm(headers)) ?? formIn(capabilities)
  if (wanted) return wanted
  const isText = revision < structuredSince || textReaders.test(peer?.name ?? caller.userAgent)
  return isText ? 'text' : 'both'
}

/** Returns the form that the request asks for, if any. @throws Problem for an unknown form. */
export function wantedForm(headers: Headers): ResultForm | undefined {
  const wanted = headers.get(resultHeader)
  return wanted === null ? undefined : formCalled(wanted)
}

function formIn({ extensions }: Record<string, unknown>): ResultForm | undefined {
  const asked = isObject(extensions) ? extensions[resultExtension] : undefined
  return isObject(asked) && typeof asked.form === 'string' ? formCalled(asked.form) : undefined
}

function formCalled(name: string): ResultForm {
  const form = forms.find(known => known === name.trim().toLowerCase())
  if (form) return form
  throw new Problem('bad_request', `The header RustyMail-Results takes ${forms.join(', ')}.`)
}

/** Describes a tool. One that answers as text declares no output schema, since clients validate results against it. */
export function toListed({ outputSchema, ...info }: ToolInfo, form: ResultForm): McpTool {
  return form === 'text' ? info : { ...info, outputSchema }
}

/**
 * Renders a result. A problem is text only: clients before 2026 validate structured content against the schema of a
 * success.
 */
export function toAnswer(result: ToolResult, form: ResultForm): McpResult {
  const text = (words: string) => ({ type: 'text' as const, text: words })
  if (result.isError) return { isError: true, content: [text(JSON.stringify(result.problem))] }
  const { output, blocks = [] } = result
  const words = form === 'structured' ? summaryOf(output) : (result.text?.() ?? JSON.stringify(output))
  const content = [text(words), ...blocks]
  return form === 'text' ? { content } : { content, structuredContent: { ...output } }
}

/** An estimate: tokenizers differ. */
const bytesPerToken = 4
/** Tokens of an image, whatever its size: most models scale it down to about this. */
const tokensOfImage = 1_500

/** Measures a result as sent: text and structure if both are sent, and files as base64. */
export function sizeOf({ content, structuredContent }: McpResult): AnswerSize {
  let words = structuredContent === undefined ? 0 : Buffer.byteLength(JSON.stringify(structuredContent))
  let [pictures, pictureBytes] = [0, 0]
  for (const block of content) {
    if (block.type === 'text') words += Buffer.byteLength(block.text)
    else if (block.type === 'image') [pictures, pictureBytes] = [pictures + 1, pictureBytes + block.data.length]
    else words += Buffer.byteLength(JSON.stringify(block))
  }
  return { bytes: words + pictureBytes, tokens: Math.ceil(words / bytesPerToken) + pictures * tokensOfImage }
}

/** Summarises by names and counts only, without untrusted text. */
function summaryOf(output: object): string {
  const parts = Object.entries(output).flatMap(([name, value]) => {
    if (Array.isArray(value)) return `${name} (${value.length})`
    return value === undefined ? [] : name
  })
  return `See structuredContent: ${parts.join(', ')}.`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The content of the signed state: the id of what was asked about. */
const State = z.object({ waiting: z.string().max(100) })
const key = 'approval'

/**
 * Sends the human behind a client to the approval, by a link that the client opens if it can. The client's answer
 * decides nothing; only the dashboard does. The call that returns with the signed state reports the outcome. @param
 * otherwise The same as a result, for clients that open no links and for calls that have asked already.
 */
export function withApprovalLink(
  result: ToolResult,
  { capabilities, state }: Pick<McpCallContext, 'capabilities' | 'state'>,
  otherwise: McpResult,
): McpResult | McpInputRequired {
  if (result.isError || !result.ask || state !== undefined || !opensLinks(capabilities)) return otherwise
  const { id, url, message } = result.ask
  const params = { mode: 'url' as const, message, url, elicitationId: id }
  return {
    inputRequests: { [key]: { method: 'elicitation/create', params } },
    state: { waiting: id } satisfies z.infer<typeof State>,
    otherwise,
  }
}

/** Returns the id that a returning call asks about; undefined for a first call. */
export function waitingIn(state: unknown): string | undefined {
  return State.safeParse(state).data?.waiting
}

function opensLinks({ elicitation }: Record<string, unknown>): boolean {
  return isObject(elicitation) && isObject(elicitation.url)
}
