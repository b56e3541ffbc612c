/**
 * Completes arguments of prompts and variables of resource templates: by the caller's tools, so that it reveals nothing
 * that a call would not.
 */
import { lowerAscii } from '../../contract/ascii-case.ts'
import type { Principal } from '../platform/principal.ts'
import type { Toolbox } from '../tools/toolbox.ts'
import type { McpCallContext, McpCompletion } from './mcp-port.ts'
import { quoted, type SeenAccounts } from './offer-resources.ts'

export interface OfferCompletionOptions {
  toolbox: Pick<Toolbox, 'list' | 'call'>
  accounts: SeenAccounts
}

/** The argument or variable to complete. */
export interface Completed {
  name: string
  value: string
  /** Arguments given so far. */
  given: Record<string, string>
  /** Whether it is a prompt, in which an account may be named by its address. */
  isPrompt: boolean
}

/** Upper bound of the protocol. */
const maxValues = 100
/** Newest messages whose references, threads and senders are offered. */
const newest = 50
const maxValue = 200

export class OfferCompletion {
  readonly #options: OfferCompletionOptions

  constructor(options: OfferCompletionOptions) {
    this.#options = options
  }

  async complete(asked: Completed, context: McpCallContext): Promise<McpCompletion> {
    const all = [...new Set(await this.#valuesOf({ ...asked, value: asked.value.slice(0, maxValue) }, context))]
    return { values: all.slice(0, maxValues), total: all.length, hasMore: all.length > maxValues }
  }

  #valuesOf(asked: Completed, context: McpCallContext): Promise<string[]> | string[] {
    const { name, value } = asked
    const begins = (each: string) => each.toLowerCase().startsWith(value.toLowerCase())
    if (name === 'account') return this.#accounts(asked, context)
    if (name === 'folder' || name === 'path') return this.#folders(asked, context)
    if (name === 'from') return this.#senders(asked, context)
    if (name === 'ref') return this.#newest(asked, context, ({ ref }) => ref).then(all => all.filter(begins))
    if (name === 'message') {
      return this.#newest(asked, context, ({ ref }) => ref.split('.').at(-1)).then(all => all.filter(begins))
    }
    if (name === 'thread') {
      return this.#newest(asked, context, ({ thread }) => thread?.split('.').at(-1)).then(all => all.filter(begins))
    }
    return []
  }

  async #accounts({ value, isPrompt }: Completed, { caller }: McpCallContext): Promise<string[]> {
    const seen = await this.#options.accounts.list(caller.principal)
    const lower = value.toLowerCase()
    const meant = seen.filter(({ id, email }) => id.startsWith(value) || email.toLowerCase().includes(lower))
    return meant.map(({ id, email }) => (isPrompt ? email : id))
  }

  async #folders({ value, given }: Completed, context: McpCallContext): Promise<string[]> {
    const account = await this.#accountOf(given, context.caller.principal)
    if (account === undefined) return []
    const input = { account, counts: false, ...(value !== '' && { name: value }) }
    const { folders } = await this.#call<{ folders: { path: string }[] }>(
      'mail_folders',
      input,
      { folders: [] },
      context,
    )
    return folders.map(({ path }) => path)
  }

  async #senders({ value, given }: Completed, context: McpCallContext): Promise<string[]> {
    const account = await this.#accountOf(given, context.caller.principal)
    const term = value.trim() === '' ? 'is:read OR is:unread' : `from:${quoted(value.trim())} OR from:${word(value)}`
    const hits = await this.#search({ q: term, ...(account !== undefined && { account }) }, context)
    // A hit begins with the address of its first author, if it has one.
    return hits.flatMap(({ from }) => /^[^\s,]+@[^\s,]+/.exec(from)?.[0] ?? [])
  }

  async #newest(
    { given }: Completed,
    context: McpCallContext,
    nameOf: (hit: FoundHit) => string | undefined,
  ): Promise<string[]> {
    const account = await this.#accountOf(given, context.caller.principal)
    const asked = { q: 'in:inbox', group: 'thread', ...(account !== undefined && { account }) }
    const hits = await this.#search(asked, context)
    return hits.map(nameOf).filter(each => each !== undefined)
  }

  async #search(input: object, context: McpCallContext): Promise<FoundHit[]> {
    const wanted = { ...input, limit: newest, snippet: false }
    return (await this.#call<{ hits: FoundHit[] }>('mail_search', wanted, { hits: [] }, context)).hits
  }

  /** Returns `none` if the caller may not, or the search fails: a completion is only a suggestion. */
  async #call<Output>(name: string, input: object, none: Output, context: McpCallContext): Promise<Output> {
    const { toolbox } = this.#options
    if (!toolbox.list(context.caller.principal).some(tool => tool.name === name)) return none
    const result = await toolbox.call(name, input, context)
    // The declared output of the tool.
    return result.isError ? none : (result.output as Output)
  }

  /** Returns the account named by id or address; without a name, the only one. */
  async #accountOf({ account }: Record<string, string>, principal: Principal): Promise<string | undefined> {
    const seen = await this.#options.accounts.list(principal)
    if (account === undefined) return seen.length === 1 ? seen[0]!.id : undefined
    return seen.find(({ id, email }) => id === account || lowerAscii(email) === lowerAscii(account))?.id
  }
}

interface FoundHit {
  ref: string
  thread?: string
  from: string
}

/** Matches the beginning of a word. */
function word(value: string): string {
  return `${value.replaceAll(/[^\p{L}\p{N}@._-]/gu, '')}*`
}
