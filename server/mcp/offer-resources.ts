/**
 * Mail as resources: read through the tools, so that scopes, freezes, limits, the trail and taint apply as for a tool
 * call.
 */
import { mayPass, type Operation, type Stops } from '../platform/guard.ts'
import { maySeeAccount, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { Toolbox, ToolContext, ToolSuccess } from '../tools/toolbox.ts'
import {
  type McpCallContext,
  McpError,
  type McpResource,
  type McpResourceContents,
  type McpResourceTemplate,
  mcpErrors,
} from './mcp-port.ts'
import { type MailResource, parseResource, resourceTemplates, resourceUri } from './resource-uri.ts'
import { sizeOf, toAnswer } from './result-form.ts'

/** The accounts that a principal may see. */
export interface SeenAccounts {
  list(principal: Principal): Promise<readonly { id: string; email: string }[]>
}

export interface OfferResourcesOptions {
  toolbox: Pick<Toolbox, 'list' | 'call'>
  accounts: SeenAccounts
  /** Left out where nothing is frozen. */
  stops?: Pick<Stops, 'check'> | undefined
}

/** The operation of watching an account and listing it; a freeze of its reads stops it. */
export const watching: Operation = { name: 'mcp.watch', scope: 'mail:meta', effect: 'read' }
/** Listed accounts, each with its inbox; others can be read all the same. */
const maxListed = 100
/** Characters of a message or thread that `mail_read` returns at once. */
const maxChars = 18_000
const maxHits = 50
/** Characters of a URI that the trail repeats. */
const maxNamed = 500
/** Revisions before 2026 have a code of their own for it. */
const notFoundBefore2026 = -32_002
const notFound: ReadonlySet<string> = new Set([
  'account_not_found',
  'attachment_not_found',
  // An invalid id does not exist: the error of the tool would name a parameter that the caller never gave.
  'bad_request',
  'folder_not_found',
  'message_not_found',
  'thread_not_found',
  'stale_ref',
])

export class OfferResources {
  readonly #options: OfferResourcesOptions

  constructor(options: OfferResourcesOptions) {
    this.#options = options
  }

  async list(principal: Principal): Promise<McpResource[]> {
    const names = this.#toolsOf(principal)
    if (!names.has('mail_folders') || !names.has('mail_search')) return []
    const all = await this.#options.accounts.list(principal)
    const accounts = all.filter(({ id }) => mayPass(() => this.#options.stops?.check(principal, watching, id)))
    return accounts.slice(0, maxListed).flatMap(({ id, email }) => [
      { uri: resourceUri({ kind: 'account', account: id }), name: email, title: email, mimeType: 'text/plain' },
      {
        uri: resourceUri({ kind: 'folder', account: id, path: 'INBOX' }),
        name: `${email} inbox`,
        title: `Inbox of ${email}`,
        mimeType: 'text/plain',
      },
    ])
  }

  /** Returns the templates that the principal may read. */
  templates(principal: Principal): McpResourceTemplate[] {
    const names = this.#toolsOf(principal)
    return resourceTemplates.filter(({ needs }) => names.has(needs)).map(({ needs: _needs, ...template }) => template)
  }

  /** @throws McpError, Problem */
  async read(uri: string, context: McpCallContext): Promise<McpResourceContents[]> {
    const resource = parseResource(uri)
    if (!resource) throw noResource(uri, context)
    if (resource.kind === 'attachment') return [await this.#readAttachment(uri, resource, context)]
    const [name, input] = callFor(resource)
    return [toText(uri, await this.#call(name, input, uri, context))]
  }

  /**
   * Checks whether it may be watched. It is not read: in a visible account it may still appear later. @throws McpError,
   * Problem
   */
  check(uri: string, context: McpCallContext): void {
    const resource = parseResource(uri)
    const { principal } = context.caller
    if (!resource || resource.kind === 'attachment' || !maySeeAccount(principal, resource.account))
      throw noResource(uri, context)
    const [name] = callFor(resource)
    if (!this.#toolsOf(principal).has(name))
      throw new McpError(mcpErrors.invalidParams, `This resource requires what ${name} requires.`, { uri })
    this.#options.stops?.check(principal, watching, resource.account)
  }

  async #readAttachment(
    uri: string,
    { account, message, id }: MailResource & { kind: 'attachment' },
    context: McpCallContext,
  ): Promise<McpResourceContents> {
    const ref = `${account}.${message}`
    const text = await this.#call('mail_attachment', { ref, id, as: 'text', max_chars: maxChars }, uri, context)
    if ('untrusted_text' in text.output) return toText(uri, text)
    const { blocks = [] } = await this.#call('mail_attachment', { ref, id, as: 'inline' }, uri, context)
    for (const block of blocks) {
      if (block.type === 'image') return { uri, mimeType: block.mimeType, blob: block.data }
      if (block.type === 'resource') return { uri, mimeType: block.resource.mimeType, blob: block.resource.blob }
    }
    throw new Problem('too_large', 'An attachment of more than 1 MiB is read over the REST API.')
  }

  async #call(name: string, input: object, uri: string, asking: ToolContext & McpCallContext): Promise<ToolSuccess> {
    const result = await this.#options.toolbox.call(name, input, {
      ...asking,
      resource: uri.slice(0, maxNamed),
      sizeOf: sent => sizeOf(toAnswer(sent, 'text')),
    })
    if (!result.isError) return result
    const { code, message } = result.problem
    if (notFound.has(code)) throw noResource(uri, asking)
    throw new Problem(code, message)
  }

  #toolsOf(principal: Principal): ReadonlySet<string> {
    return new Set(this.#options.toolbox.list(principal).map(({ name }) => name))
  }
}

/** Returns the tool call that reads it. */
function callFor(resource: Exclude<MailResource, { kind: 'attachment' }>): [name: string, input: object] {
  const { kind, account } = resource
  if (kind === 'account') return ['mail_folders', { account }]
  if (kind === 'message') {
    return ['mail_read', { refs: [`${account}.${resource.message}`], view: 'text', max_chars: maxChars }]
  }
  if (kind === 'thread') return ['mail_read', { thread: `${account}.${resource.thread}`, max_chars: maxChars }]
  return ['mail_search', { account, q: `in:${quoted(resource.path)}`, limit: maxHits }]
}

/** Quotes a phrase of the query language. */
export function quoted(words: string): string {
  return `"${words.replaceAll(/["\\]/g, '\\$&')}"`
}

function toText(uri: string, { text, output }: ToolSuccess): McpResourceContents {
  return { uri, mimeType: 'text/plain', text: text?.() ?? JSON.stringify(output) }
}

function noResource(uri: string, { revision }: McpCallContext): McpError {
  const code = revision < '2026-07-28' ? notFoundBefore2026 : mcpErrors.invalidParams
  return new McpError(code, 'There is no such resource.', { uri: uri.slice(0, 1_000) })
}
