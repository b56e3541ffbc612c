/**
 * The answers that are in progress, followed, or waiting for a person: one object each, so that each decision is made
 * once.
 */
import type { AssistantAnswer } from '../../contract/answers.ts'
import type { ConversationStore } from './conversation-store.ts'
import type { AnswerRow } from './conversation-tables.ts'
import { type AnswerFacts, blocksOf, type KeptPart } from './kept-parts.ts'
import type { Turn } from './model-request.ts'
import { OpenAnswer } from './open-answer.ts'

export interface OpenAnswersOptions {
  store: ConversationStore
  /** Notifies those who may know that an answer began, waits or ended. */
  changed(owner: string, answer: Pick<AnswerRow, 'id' | 'conversation_id'> & { state: AssistantAnswer['state'] }): void
  now(): number
}

/** Turns that are read for a model; older ones are in the summary, or left out. */
export const mostTurns = 40

export class OpenAnswers {
  readonly #options: OpenAnswersOptions
  readonly #open = new Map<string, Promise<OpenAnswer>>()

  constructor(options: OpenAnswersOptions) {
    this.#options = options
  }

  find(id: string): Promise<OpenAnswer> | undefined {
    return this.#open.get(id)
  }

  /** Adds an answer that has just begun. */
  add(owner: string, row: AnswerRow, facts: AnswerFacts): OpenAnswer {
    const answer = this.#new(owner, row, [], facts)
    this.#open.set(row.id, Promise.resolve(answer))
    return answer
  }

  /** Returns the one object that all callers share. */
  opened(owner: string, row: AnswerRow): Promise<OpenAnswer> {
    const known = this.#open.get(row.id)
    if (known) return known
    const loading = this.load(owner, row)
    this.#open.set(row.id, loading)
    loading.then(
      answer => this.release(answer, 0),
      () => this.#open.delete(row.id),
    )
    return loading
  }

  /** Loads an answer for a caller that works on it exclusively. */
  async load(owner: string, row: AnswerRow): Promise<OpenAnswer> {
    const pieces = await this.#options.store.listParts(row.id)
    const parts = pieces.flatMap(({ parts }) => JSON.parse(parts) as KeptPart[])
    const facts = JSON.parse(row.facts) as AnswerFacts
    return this.#new(owner, row, parts, { ...facts, lastSeq: parts.at(-1)?.seq ?? 0 })
  }

  /** Keeps an answer in memory while it is read. */
  async *held(answer: OpenAnswer, parts: AsyncGenerator<KeptPart>): AsyncGenerator<KeptPart> {
    answer.holders++
    try {
      yield* parts
    } finally {
      this.release(answer)
    }
  }

  /** Releases an answer; a waiting one stays in memory, since it must be decided only once. */
  release(answer: OpenAnswer, held = 1): void {
    answer.holders -= held
    if (answer.holders > 0 || answer.state === 'waiting' || answer.state === 'running') return
    this.#open.delete(answer.row.id)
  }

  /** Evicts an answer, and ends its readers. */
  forget(id: string): void {
    this.#open.get(id)?.then(
      answer => answer.gone(),
      () => undefined,
    )
    this.#open.delete(id)
  }

  /** Evicts all answers when the server stops, and ends their readers, above all those that wait for a person. */
  forgetEach(): void {
    for (const id of [...this.#open.keys()]) this.forget(id)
  }

  /** Evicts the answers of a conversation. */
  async forgetAll(conversationId: string): Promise<void> {
    for (const [id, opening] of [...this.#open]) {
      const answer = await opening.catch(() => undefined)
      if (answer?.row.conversation_id === conversationId) this.forget(id)
    }
  }

  /** Returns the turns before an answer, oldest first. */
  async before(conversationId: string, answerId: string): Promise<(Turn & { id: string })[]> {
    const { store } = this.#options
    const rows = (await store.listAnswers(conversationId, mostTurns)).filter(({ id }) => id < answerId).toReversed()
    const pieces = await store.listPartsOf(rows.map(({ id }) => id))
    return rows.map(({ id, question, context, facts }) => {
      const own = pieces.filter(piece => piece.answer_id === id)
      const parts = own.flatMap(piece => JSON.parse(piece.parts) as KeptPart[])
      const { shares, needs } = JSON.parse(facts) as AnswerFacts
      const blocks = blocksOf(parts, shares)
      return { id, question, context: context === null ? null : JSON.parse(context), blocks, needs }
    })
  }

  #new(owner: string, row: AnswerRow, parts: readonly KeptPart[], facts: AnswerFacts): OpenAnswer {
    const { store, changed, now } = this.#options
    const told = ({ row: { id, conversation_id }, state }: OpenAnswer) => changed(owner, { id, conversation_id, state })
    return new OpenAnswer({ store, owner, row, parts, facts, changed: told, now })
  }
}
