/** An answer in progress or followed, with its numbered parts stored in chunks, so that readers can start anywhere. */
import type { AnswerState, AssistantAnswer, ChatbotResponse } from '../../contract/answers.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ConversationStore } from './conversation-store.ts'
import type { AnswerRow } from './conversation-tables.ts'
import {
  type AnswerFacts,
  addPart,
  blocksOf,
  type KeptBlock,
  type KeptCall,
  type KeptPart,
  type NewPart,
  type Shares,
  textOf,
  toAnswer,
  toCall,
} from './kept-parts.ts'
import { shownBlocks } from './reach.ts'

export interface OpenAnswerOptions {
  store: Pick<ConversationStore, 'keep' | 'listParts'>
  owner: string
  row: AnswerRow
  parts: readonly KeptPart[]
  facts: AnswerFacts
  /** Called after a change of state is stored. */
  changed(answer: OpenAnswer): void
  now(): number
}

/** Milliseconds for which text is batched into one part, so that a model that streams single letters costs no more. */
const gatherMs = 25
/** Upper bound of the time until text is stored, in ms. */
const storeMs = 1_000
/** Stored parts that stay in memory for readers; older ones are read from the database. */
const heldParts = 200
/** Upper bound of readers of one answer. */
const maxReaders = 20

export class OpenAnswer {
  readonly row: AnswerRow
  readonly owner: string
  readonly facts: AnswerFacts
  readonly blocks: KeptBlock[]
  /** How much of the mail the current model was sent. */
  shares: Shares = {}
  /** The error with the detail that only its caller is shown. */
  failure: Problem | undefined
  /** Number of those that wait for it or work on it. */
  holders = 0
  readonly #options: OpenAnswerOptions
  /** The newest parts, without a gap. */
  #tail: KeptPart[] = []
  #stored: number
  /** The last number that readers are shown. */
  #shown: number
  /** The state that it assumes once stored. */
  #next: Pick<AnswerRow, 'state' | 'expires_at'> | undefined
  #text = ''
  #by: string | null = null
  #gathering: NodeJS.Timeout | undefined
  #storing: Promise<boolean> = Promise.resolve(true)
  #storeTimer: NodeJS.Timeout | undefined
  #published = { tokens: 0, costUsd: 0 }
  #isGone = false
  #news = Promise.withResolvers<void>()
  #readers = 0

  constructor(options: OpenAnswerOptions) {
    const { row, parts, facts, owner } = options
    this.#options = options
    this.row = row
    this.owner = owner
    this.facts = facts
    this.blocks = blocksOf(parts, facts.shares)
    this.#stored = facts.lastSeq
    this.#shown = facts.lastSeq
    this.#published = { tokens: facts.tokens, costUsd: facts.costUsd ?? 0 }
  }

  get state(): AnswerState {
    return this.row.state as AnswerState
  }

  get isOver(): boolean {
    return this.#isGone || (this.state !== 'running' && this.state !== 'waiting')
  }

  get calls(): KeptCall[] {
    return this.blocks.flatMap(block => (block.type === 'tool_call' ? [block.call] : []))
  }

  get text(): string {
    return textOf(this.blocks)
  }

  /** Returns the answer as its principal may see it now. */
  view(principal: Principal): AssistantAnswer {
    // The end is numbered before it is stored and shown: a reader that had this number would miss the end.
    const blocks = shownBlocks(this.blocks, this.facts.needs, principal)
    return toAnswer(this.row, blocks, { ...this.facts, lastSeq: this.#shown })
  }

  response(): ChatbotResponse {
    const { provider, model, attempts, usage, costUsd } = this.facts
    return {
      response: this.text,
      conversation_id: this.row.conversation_id,
      answer_id: this.row.id,
      provider: provider ?? 'rustymail',
      model,
      tool_calls: this.calls.map(toCall),
      attempts,
      usage,
      cost_usd: costUsd,
    }
  }

  /** @param by The id of the model; null for words of the server. */
  say(text: string, by: string | null): void {
    if (text === '') return
    // PostgreSQL cannot store NUL in text.
    const storable = text.replaceAll('\0', '\ufffd')
    if (this.#by !== by) this.#publishSoFar()
    this.#by = by
    this.#text += storable
    if (this.#gathering) return
    // The first text is sent immediately, and what soon follows is batched.
    this.#publishSoFar(false)
    this.#gathering = setTimeout(() => this.#publishSoFar(), gatherMs).unref()
  }

  /** Flushes batched text as a part. */
  sayNow(): void {
    this.#publishSoFar()
  }

  append(part: NewPart): void {
    this.#publishSoFar()
    this.#append(part, null)
  }

  /** Stores text and state, and only then announces them. */
  async settle(state: AnswerState, last?: NewPart, expiresAt: string | null = null): Promise<void> {
    this.#publishSoFar()
    this.#next = { state, expires_at: expiresAt }
    if (last) this.#append(last, null, false)
    try {
      await this.store()
    } finally {
      // Readers must not wait forever if storing fails.
      Object.assign(this.row, this.#next)
      this.#next = undefined
      this.#shown = this.facts.lastSeq
      this.#wake()
    }
    this.#options.changed(this)
  }

  /** Resolves when everything said so far is stored. */
  async store(): Promise<void> {
    clearTimeout(this.#storeTimer)
    this.#storeTimer = undefined
    const storing = this.#storing.catch(() => true).then(() => this.#store())
    this.#storing = storing
    if (!(await storing)) {
      this.#isGone = true
      this.#wake()
      throw new Problem('not_found', 'The conversation was deleted.')
    }
  }

  /** Ends the readers of a deleted answer. */
  gone(): void {
    this.#isGone = true
    this.#wake()
  }

  /**
   * Yields all parts after a number, then new ones until the end.
   * @param untilPause Ends also if it waits for a person.
   */
  async *follow(after: number, signal: AbortSignal, untilPause = false): AsyncGenerator<KeptPart> {
    if (this.#readers >= maxReaders) {
      throw new Problem('too_many_streams', `${maxReaders} readers follow this answer already.`, {
        retryAfterSeconds: 10,
      })
    }
    this.#readers++
    const aborted = Promise.withResolvers<void>()
    const abort = () => aborted.resolve()
    signal.addEventListener('abort', abort, { once: true })
    try {
      let next = after + 1
      while (!signal.aborted) {
        const news = this.#news.promise
        const isLast = this.isOver || (untilPause && this.state === 'waiting')
        for (const part of await this.#partsFrom(next)) {
          yield part
          next = part.seq + 1
        }
        if (next > this.#shown && isLast) return
        if (next > this.#shown) await Promise.race([news, aborted.promise])
      }
    } finally {
      signal.removeEventListener('abort', abort)
      this.#readers--
    }
  }

  async #partsFrom(next: number): Promise<readonly KeptPart[]> {
    const shown = this.#shown
    if (next > shown) return []
    const [first] = this.#tail
    if (first && next >= first.seq) return this.#tail.slice(next - first.seq, shown - first.seq + 1)
    const pieces = await this.#options.store.listParts(this.row.id, next - 1)
    const parts = pieces.flatMap(({ parts }) => JSON.parse(parts) as KeptPart[])
    return parts.filter(({ seq }) => seq >= next && seq <= shown)
  }

  #publishSoFar(isOver = true): void {
    if (isOver) {
      clearTimeout(this.#gathering)
      this.#gathering = undefined
    }
    const [text, by] = [this.#text, this.#by]
    this.#text = ''
    if (text !== '') this.#append({ type: 'text_delta', text }, by)
  }

  #append(part: NewPart, by: string | null, isTold = true): void {
    this.facts.lastSeq++
    this.#tail.push({ ...part, seq: this.facts.lastSeq } as KeptPart)
    addPart(this.blocks, part, by, this.shares)
    // Parts that could not be stored are retried with the next one.
    this.#storeTimer ??= setTimeout(() => void this.store().catch(() => undefined), storeMs).unref()
    if (!isTold) return
    this.#shown = this.facts.lastSeq
    this.#wake()
  }

  async #store(): Promise<boolean> {
    const { store, owner, now } = this.#options
    const from = this.#stored
    const fresh = this.#tail.filter(({ seq }) => seq > from)
    const last = fresh.at(-1)?.seq ?? from
    const { tokens, costUsd } = this.facts
    const spent = {
      tokens: tokens - this.#published.tokens,
      costUsd: costUsd === null ? null : costUsd - this.#published.costUsd,
    }
    const at = new Date(now()).toISOString()
    const { state, expires_at } = this.#next ?? this.row
    this.row.said = this.text
    this.row.facts = JSON.stringify({ ...this.facts, lastSeq: last })
    const kept = await store.keep(
      this.row,
      fresh.length === 0 ? undefined : { answer_id: this.row.id, first: from + 1, parts: JSON.stringify(fresh) },
      {
        answer: { state, said: this.row.said, facts: this.row.facts, expires_at },
        ...(spent.tokens > 0 && { spent: { ...spent, owner, day: at.slice(0, 10) } }),
        at,
      },
    )
    this.#stored = last
    this.#published = { tokens, costUsd: costUsd ?? this.#published.costUsd }
    const surplus = this.#tail.length - heldParts
    if (surplus > 0) {
      const dropped = this.#tail.findIndex(({ seq }, index) => index >= surplus || seq > this.#stored)
      if (dropped > 0) this.#tail = this.#tail.slice(dropped)
    }
    return kept
  }

  #wake(): void {
    this.#news.resolve()
    this.#news = Promise.withResolvers<void>()
  }
}
