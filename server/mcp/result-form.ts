/** In which form a client wants what a tool answered: as structure, as text, or as both; and as a link for the human behind it, where one has to approve. */

import { z } from 'zod'
import { Problem } from '../platform/problem.ts'
import type { AnswerSize, ToolInfo, ToolResult } from '../tools/toolbox.ts'
import type { McpCallAsking, McpInputRequired, McpResult, McpTool } from './mcp-port.ts'

const forms = ['both', 'structured', 'text'] as const
export type ResultForm = (typeof forms)[number]

const resultHeader = 'rustymail-results'
/** The same for transports without headers: a capability of the client, `{ "form": "text" }`. */
const resultExtension = 'rustymail/results'
/** The revision that brought `structuredContent` and `outputSchema`; revisions are days, so that they compare as text. */
const structuredSince = '2025-06-18'
/**
 * Programs in which a model reads the answers, as they name themselves or in their user agent. Where there is no structure, all of them show it the text;
 * where there is one, some show it that alone and others both (docs/decisions/0045-mcp-offer.md). So they are safe with text, whatever their next release does.
 */
const textReaders =
  /^(?:claude-ai|claude-code|claude[- ]desktop|claude-user|visual studio code|vscode|cursor|cursor-vscode|opencode|kimi|github-copilot[\w-]*|copilot-cli|openai-mcp|chatgpt|codex-mcp-client|gemini-cli[\w-]*|goose|zed|windsurf[\w-]*|cline|librechat)(?:[/ (]|$)/i

/**
 * No client says in the protocol whether its model is shown structure or text, and either alone leaves some models, or programs, with nothing: so both,
 * unless it asks for one of them, knows no structure, or is known to read text.
 * @throws Problem for an unknown form.
 */
export function resultFormOf({
  headers,
  revision,
  peer,
  capabilities,
  caller,
}: Pick<McpCallAsking, 'headers' | 'revision' | 'peer' | 'capabilities' | 'caller'>): ResultForm {
  const wanted = (headers && wantedForm(headers)) ?? formIn(capabilities)
  if (wanted) return wanted
  const isText = revision < structuredSince || textReaders.test(peer?.name ?? caller.userAgent)
  return isText ? 'text' : 'both'
}

/** What the request asks for, if anything. @throws Problem for an unknown form. */
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

/** A tool that answers as text declares no structure: a client would hold its answers against that. */
export function toListed({ outputSchema, ...info }: ToolInfo, form: ResultForm): McpTool {
  return form === 'text' ? info : { ...info, outputSchema }
}

/** A problem is always text alone: clients before 2026 hold whatever is structured against the schema of a success. */
export function toAnswer(result: ToolResult, form: ResultForm): McpResult {
  const text = (words: string) => ({ type: 'text' as const, text: words })
  if (result.isError) return { isError: true, content: [text(JSON.stringify(result.problem))] }
  const { output, blocks = [] } = result
  const words = form === 'structured' ? summaryOf(output) : (result.text?.() ?? JSON.stringify(output))
  const content = [text(words), ...blocks]
  return form === 'text' ? { content } : { content, structuredContent: { ...output } }
}

/** An estimate: models count in their own ways. */
const bytesPerToken = 4
/** Of one, whatever its size: most models scale an image down to about as much. */
const tokensOfImage = 1_500

/** Of what is sent: text and structure, where it is sent as both, and files as base64. */
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

/** Names and counts alone, and nothing that a stranger wrote. */
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

/** What is in the signed state: what was asked about. */
const State = z.object({ waiting: z.string().max(100) })
const key = 'approval'

/**
 * Sends the human behind a client to what waits for an approval: a link that the client opens, where it can. What the client answers to that is no
 * decision, whatever it says; only the dashboard takes one. The call that comes back with the signed state is told how things stand.
 * @param otherwise The same as a result, for clients that open no links, and for a call that has asked already.
 */
export function withApprovalLink(
  result: ToolResult,
  { capabilities, state }: Pick<McpCallAsking, 'capabilities' | 'state'>,
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

/** What a call that comes back asks about; undefined for one that begins. */
export function waitingIn(state: unknown): string | undefined {
  return State.safeParse(state).data?.waiting
}

function opensLinks({ elicitation }: Record<string, unknown>): boolean {
  return isObject(elicitation) && isObject(elicitation.url)
}
