/** Conversations for their owner: listed, searched, read, renamed, exported and deleted. */

import type { AssistantAnswer } from '../../contract/answers.ts'
import type { Conversation, ConversationSummary } from '../../contract/conversations.ts'
import { badCursor } from '../platform/list-query.ts'
import { ownerOf, type Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import { toMarkdown } from './conversation-markdown.ts'
import type { ConversationStore, ListedConversation } from './conversation-store.ts'
import type { ConversationRow } from './conversation-tables.ts'
import { type AnswerFacts, blocksOf, type KeptPart, toAnswer } from './kept-parts.ts'
import { isInReach, isLimited, shownBlocks } from './reach.ts'

export interface ConversationServiceOptions {
  store: ConversationStore
  /** Ends the running answers of a conversation. */
  end(conversationId: string): Promise<void>
  /** Returns a running answer so far, including what is not stored yet, as the principal may see it. */
  underWay(answerId: string, principal: Principal): Promise<AssistantAnswer | undefined>
}

interface ListQuery {
  q?: string | undefined
  limit: number
  cursor?: string | undefined
}

export class ConversationService {
  readonly #options: ConversationServiceOptions

  constructor(options: ConversationServiceOptions) {
    this.#options = options
  }

  /** Returns the conversation changed last first. */
  async list(
    principal: Principal,
    { q, limit, cursor }: ListQuery,
  ): Promise<{ items: ConversationSummary[]; next_cursor: string | null }> {
    const before = cursor === undefined ? undefined : readCursor(cursor)
    const rows = await this.#options.store.list(ownerOf(principal), { q, limit: limit + 1, before })
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    const next = rows.length > limit && last ? `${last.updated_at}~${last.id}` : null
    const items = q === undefined || !isLimited(principal) ? page : await this.#foundInReach(principal, page, q)
    return { items: items.map(toSummary), next_cursor: next }
  }

  /**
   * Drops hits in answers that the principal may no longer see, since searching could otherwise reveal them word by
   * word.
   */
  async #foundInReach(principal: Principal, page: readonly ListedConversation[], q: string) {
    const { store } = this.#options
    const facts = await store.listFacts(page.map(({ id }) => id))
    const hidden = facts.filter(row => !isInReach((JSON.parse(row.facts) as AnswerFacts).needs, principal))
    const hiddenIds = new Set(hidden.map(row => row.conversation_id))
    if (hiddenIds.size === 0) return page
    const found = new Set(await store.findUnsaid([...hiddenIds], q))
    return page.filter(({ id }) => !hiddenIds.has(id) || found.has(id))
  }

  async get(principal: Principal, id: string): Promise<Conversation> {
    const { store, underWay } = this.#options
    const row = await this.#find(principal, id)
    const answers = (await store.listAnswers(id)).toReversed()
    const pieces = await store.listPartsOf(answers.map(answer => answer.id))
    const items: AssistantAnswer[] = []
    for (const answer of answers) {
      const parts = pieces
        .filter(piece => piece.answer_id === answer.id)
        .flatMap(piece => JSON.parse(piece.parts) as KeptPart[])
      const facts = JSON.parse(answer.facts) as AnswerFacts
      const shown = shownBlocks(blocksOf(parts, facts.shares), facts.needs, principal)
      items.push((await underWay(answer.id, principal)) ?? toAnswer(answer, shown, facts))
    }
    return { ...toSummary(await store.listed(row)), items }
  }

  async rename(principal: Principal, id: string, title: string): Promise<ConversationSummary> {
    const { store } = this.#options
    await this.#find(principal, id)
    await store.rename(id, title)
    return toSummary(await store.listed(await this.#find(principal, id)))
  }

  async delete(principal: Principal, id: string): Promise<void> {
    await this.#find(principal, id)
    await this.#options.end(id)
    await this.#options.store.delete(id)
  }

  async export(principal: Principal, id: string): Promise<{ file_name: string; markdown: string }> {
    const conversation = await this.get(principal, id)
    const name = conversation.title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 60)
    return { file_name: `${name || 'conversation'}.md`, markdown: toMarkdown(conversation) }
  }

  async #find(principal: Principal, id: string): Promise<ConversationRow> {
    const row = await this.#options.store.find(ownerOf(principal), id)
    if (row) return row
    throw new Problem('not_found', 'There is no such conversation.')
  }
}

function toSummary({ id, title, created_at, updated_at, answers, state, tokens, cost_usd }: ListedConversation) {
  const now: ConversationSummary['state'] = state === 'running' || state === 'waiting' ? state : 'idle'
  return { id, title, created_at, updated_at, answers, state: now, tokens: Math.round(tokens), cost_usd }
}

function readCursor(cursor: string): { updatedAt: string; id: string } {
  const [updatedAt = '', id = '', more] = cursor.split('~')
  if (id !== '' && more === undefined && !Number.isNaN(Date.parse(updatedAt))) return { updatedAt, id }
  throw badCursor()
}
