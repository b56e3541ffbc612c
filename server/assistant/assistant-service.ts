/**
 * Questions and their answers. An answer runs on its own: the user may leave, and find it from another tab or after a
 * reload. Models are configured elsewhere; what tools may do is up to the toolbox and the person.
 */
import type { z } from 'zod'
import {
  type AssistantAnswer,
  type ChatbotQuery,
  type ChatbotResponse,
  conversationBounds,
} from '../../contract/answers.ts'
import type { ChatProviders } from '../../contract/assistant.ts'
import { every } from '../platform/lifecycle.ts'
import type { Logger } from '../platform/logger.ts'
import { type Caller, ownerOf, type Principal, type PrincipalListener } from '../platform/principal.ts'
import { badInput, Problem } from '../platform/problem.ts'
import { RisingIds } from '../platform/rising-ids.ts'
import type { CallSurroundings } from './answer-calls.ts'
import { spentIn } from './answer-limits.ts'
import { AnswerReaders, type ReadParts } from './answer-readers.ts'
import { AnswerRunner, type Run } from './answer-runner.ts'
import { AnswerWork } from './answer-work.ts'
import type { ConversationStore } from './conversation-store.ts'
import type { AnswerRow, ConversationRow, UsageRow } from './conversation-tables.ts'
import { titleOf } from './conversation-title.ts'
import { expiryOf } from './ended-calls.ts'
import { isSameHash } from './input-hash.ts'
import { type KeptCall, newFacts } from './kept-parts.ts'
import type { ModelChoice } from './model-choice.ts'
import type { OpenAnswer } from './open-answer.ts'
import { OpenAnswers, type OpenAnswersOptions } from './open-answers.ts'
import { checkWanted } from './wanted-provider.ts'
import { WorkingAnswers } from './working-answers.ts'

export interface AssistantServiceOptions {
  choice: ModelChoice
  store: ConversationStore
  calls: CallSurroundings
  changed: OpenAnswersOptions['changed']
  logger: Logger
  now?: () => number
}

/** A caller with the id of its request. */
export interface QuestionRequest {
  caller: Caller
  requestId: string
}

const sweepEveryMs = 15_000
/** Milliseconds between checks for expired sessions and tokens, so that their answers end within a second. */
const checkEveryMs = 500
const pruneEveryMs = 60 * 60_000
const dayMs = 24 * 60 * 60_000

const providerVariables =
  'RIG_ENDPOINT, OPENAI_API_KEY, OPENROUTER_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or OLLAMA_BASE_URL'

export class AssistantService implements PrincipalListener {
  readonly #options: AssistantServiceOptions
  readonly #now: () => number
  readonly #conversationIds: RisingIds
  readonly #answerIds: RisingIds
  readonly #open: OpenAnswers
  readonly #working = new WorkingAnswers()
  readonly #work: AnswerWork
  readonly #readers = new AnswerReaders()
  /** Conversations that are accepting a question, each with its owner, so that ids of others disclose nothing. */
  readonly #entering = new Set<string>()
  readonly #stopped = new AbortController()

  constructor(options: AssistantServiceOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    const { choice, calls, store, logger } = options
    const now = this.#now
    this.#open = new OpenAnswers({ store, changed: options.changed, now })
    const runner = new AnswerRunner({ choice, calls, store, logger, now })
    this.#work = new AnswerWork({ runner, open: this.#open, working: this.#working, calls, logger, now })
    this.#conversationIds = new RisingIds('c', this.#now)
    this.#answerIds = new RisingIds('n', this.#now)
  }

  /** Fails what a previous server was working on; nothing that was said is lost. */
  async start(): Promise<void> {
    const { store, logger } = this.#options
    for (const row of await store.listOpen('running')) {
      await this.#work.interrupted(row.owner, row)
    }
    const failed = (err: unknown) => logger.error({ err }, 'the conversations could not be maintained')
    const { signal } = this.#stopped
    every(sweepEveryMs, signal, () => void this.expire().catch(failed), failed)
    every(pruneEveryMs, signal, () => void this.prune().catch(failed), failed)
    every(checkEveryMs, signal, () => this.check(), failed)
    await this.prune()
  }

  /** Ends all running answers and accepts no more. Called before the HTTP server waits for its last responses. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#working.end(() => true, draining())
    this.#open.forgetEach()
  }

  listProviders(): z.infer<typeof ChatProviders> {
    const models = this.#options.choice.models()
    return { items: models.map(({ id, provider, model, isLocal }) => ({ id, provider, model, is_local: isLocal })) }
  }

  /** Starts an answer, which goes on even if nobody reads it. @throws Problem if it cannot start. */
  async ask({ caller, requestId }: QuestionRequest, input: ChatbotQuery, isWhole = false): Promise<OpenAnswer> {
    this.#checkRoom(caller.principal)
    const { choice, store } = this.#options
    if (choice.models().length === 0) {
      throw new Problem('no_model_configured', `Set ${providerVariables}, or add a provider on the page.`)
    }
    const owner = ownerOf(caller.principal)
    const at = new Date(this.#now()).toISOString()
    const { query, conversation_id: known, retry_of: retryOf, provider } = input
    checkWanted(choice, provider)
    if (known === undefined && retryOf !== undefined) {
      throw badInput('body.conversation_id', 'is required with retry_of: it is that of the answer')
    }
    const conversationId = known ?? this.#conversationIds.next()
    const row: AnswerRow = {
      // PostgreSQL cannot store NUL in text.
      ...{ id: this.#answerIds.next(), conversation_id: conversationId, question: query.replaceAll('\0', '\ufffd') },
      ...{ context: input.context === undefined ? null : JSON.stringify(input.context), asked_at: at },
      ...{ state: 'running', said: '', facts: JSON.stringify(newFacts()), expires_at: null },
    }
    const entering = `${owner} ${conversationId}`
    if (this.#entering.has(entering)) throw busy()
    this.#entering.add(entering)
    try {
      let conversation: ConversationRow | undefined
      let today: Pick<UsageRow, 'tokens' | 'cost_usd'>
      let history: Run['history'] = []
      if (known === undefined) {
        const title = titleOf(query)
        const { userId } = caller.principal
        const fresh = { id: conversationId, owner, user_id: userId, title, created_at: at, updated_at: at }
        conversation = { ...fresh, tokens: 0, cost_usd: null, summary: null }
        const added = await store.add(conversation, row)
        today = added.today
        for (const id of added.evicted) await this.end(id)
      } else {
        // Read before anything is stored, so that a failure leaves no answer that nothing works on.
        today = await store.usageOf(owner, at.slice(0, 10))
        conversation = await this.#find(owner, known)
        history = await this.#takeIn(owner, conversation, row, retryOf)
      }
      const answer = this.#open.add(owner, row, newFacts())
      answer.append({ type: 'start', conversation_id: conversationId, answer_id: row.id })
      const spent = { conversation: spentIn(conversation), today: spentIn(today) }
      const summary = summaryIn(conversation)
      this.#work.begin({ answer, caller, requestId, history, summary, spent, startWith: provider, isWhole })
      this.#options.changed(owner, { id: row.id, conversation_id: conversationId, state: 'running' })
      return answer
    } finally {
      this.#entering.delete(entering)
    }
  }

  /** Returns the whole answer, or what there is of it if it waits for a person. @throws Problem if it failed. */
  async query(asked: QuestionRequest, input: ChatbotQuery, signal: AbortSignal): Promise<ChatbotResponse> {
    const answer = await this.ask(asked, input, true)
    for await (const part of this.#readers.answering(answer, asked.caller.principal, signal)) {
      if (part.type === 'finish') return part.result
    }
    if (answer.failure) throw answer.failure
    throw new Problem('not_found', 'The conversation was deleted.')
  }

  /** Streams the answer. */
  async stream(asked: QuestionRequest, input: ChatbotQuery, signal: AbortSignal): Promise<ReadParts> {
    return this.#readers.answering(await this.ask(asked, input), asked.caller.principal, signal)
  }

  /** Follows an answer. @throws Problem before the first part. */
  async follow(
    principal: Principal,
    { conversationId, answerId, after }: { conversationId: string; answerId: string; after: number },
    signal: AbortSignal,
  ): Promise<ReadParts> {
    return this.#readers.open(principal, signal, async whole => {
      const answer = await this.#get(principal, conversationId, answerId)
      return { answer, parts: this.#open.held(answer, answer.follow(after, whole)) }
    })
  }

  /** Stops an answer: what it said stays, and waiting calls are not executed. */
  async stopAnswer(principal: Principal, conversationId: string, answerId: string): Promise<AssistantAnswer> {
    const answer = await this.#get(principal, conversationId, answerId)
    if (this.#working.find(answerId)) await this.#working.end(({ answer: { row } }) => row.id === answerId)
    else if (answer.state === 'waiting') await this.#work.close(answer, 'declined', 'stopped')
    return answer.view(principal)
  }

  /** Decides about a waiting call. @throws Problem if this person may not decide, or it is too late. */
  async decide(
    { caller, requestId }: QuestionRequest,
    { conversationId, answerId, callId }: { conversationId: string; answerId: string; callId: string },
    { decision, input_hash: given }: { decision: 'allow' | 'decline'; input_hash: string },
  ): Promise<AssistantAnswer> {
    if (caller.principal.kind !== 'session') {
      throw new Problem('session_needed', 'Only a signed-in person decides what the assistant may do.')
    }
    const { principal } = caller
    const answer = await this.#get(principal, conversationId, answerId)
    const history = await this.#open.before(conversationId, answerId)
    const conversation = await this.#find(ownerOf(principal), conversationId)
    // Nothing is awaited from here to the change of its outcome, so that it is decided only once.
    if (decision === 'allow') this.#checkRoom(principal, answerId)
    const call = answer.calls.find(({ id }) => id === callId)
    if (!call) throw new Problem('not_found', 'There is no such call.')
    if (answer.isOver) throw new Problem('not_possible_now', 'This answer has ended. Ask again.')
    if (!isSameHash(call.input_hash, given)) {
      throw new Problem('approval_void', 'This is not the call that waits: its input differs.')
    }
    if (call.outcome !== 'waiting') throw new Problem('not_possible_now', `This call is ${call.outcome} already.`)
    const isLate = call.expires_at !== null && Date.parse(call.expires_at) <= this.#now()
    if (isLate) {
      await this.#work.close(answer, 'expired', 'done')
      throw new Problem('not_possible_now', 'It was not decided in time. Ask again.')
    }
    const decided: KeptCall = { ...call, outcome: decision === 'allow' ? 'running' : 'declined', expires_at: null }
    if (decision === 'allow') answer.append({ type: 'tool_call', call: decided })
    else answer.append({ type: 'tool_result', call: decided })
    const isLast = answer.calls.every(({ outcome }) => outcome !== 'waiting')
    const summary = summaryIn(conversation)
    const run = { answer, caller, requestId, history, summary, startWith: undefined }
    if (decision === 'allow') this.#work.begin(run, { execute: decided, goesOn: isLast })
    else if (isLast) this.#work.begin(run)
    else await answer.settle('waiting', undefined, expiryOf(answer))
    return answer.view(principal)
  }

  /** Ends running answers of a conversation, and their readers. */
  async end(conversationId: string): Promise<void> {
    await this.#working.end(({ answer: { row } }) => row.conversation_id === conversationId)
    await this.#open.forgetAll(conversationId)
  }

  /** Returns the answer so far; undefined if nothing works on it. */
  async underWay(answerId: string, principal: Principal): Promise<AssistantAnswer | undefined> {
    return (await this.#open.find(answerId))?.view(principal)
  }

  /** Closes answers that waited too long for a person; their calls are not executed. */
  async expire(): Promise<void> {
    const now = new Date(this.#now()).toISOString()
    for (const row of await this.#options.store.listOpen('waiting', now)) {
      if (this.#working.find(row.id)) continue
      await this.#work.close(await this.#open.opened(row.owner, row), 'expired', 'done')
    }
  }

  async prune(): Promise<void> {
    const { choice, store } = this.#options
    await store.prune(new Date(this.#now() - choice.limits().retention_days * dayMs).toISOString())
  }

  /** Ends work and readers whose session or token has expired. */
  check(): void {
    this.#working.check(this.#now())
    this.#readers.check(this.#now())
  }

  changed(principal: Principal): void {
    this.#working.changed(principal)
    this.#readers.changed(principal)
  }

  /** Ends the answers of a revoked session or token, since its rights are no longer known. */
  revoked(principalId: string): void {
    this.endWhere(
      ({ id }) => id === principalId,
      () => new Problem('unauthorized', 'You were signed out meanwhile.'),
    )
  }

  endWhere(isStopped: (principal: Principal) => boolean, why: () => Problem = frozen): void {
    this.#working.endWhere(isStopped, why)
    this.#readers.endWhere(isStopped)
  }

  #checkRoom(principal: Principal, except?: string): void {
    if (this.#stopped.signal.aborted) throw draining()
    if (except === undefined || !this.#working.find(except)) this.#working.checkRoom(principal)
  }

  /** Stores the question after the earlier ones. */
  async #takeIn(
    owner: string,
    { id }: ConversationRow,
    row: AnswerRow,
    retryOf: string | undefined,
  ): Promise<Run['history']> {
    const { store } = this.#options
    const rows = await store.listAnswers(id)
    const [last] = rows
    if (last?.state === 'running') {
      if (this.#working.find(last.id)) throw busy()
      // It had ended, but that could not be stored.
      this.#open.forget(last.id)
      await this.#work.interrupted(owner, last)
    }
    if (retryOf !== undefined && last?.id !== retryOf) {
      throw new Problem('not_possible_now', 'Only the last answer of a conversation can be asked for again.')
    }
    if (rows.length >= conversationBounds.messages && retryOf === undefined) {
      const detail = `This conversation has ${conversationBounds.messages} questions. Begin a new one.`
      throw new Problem('not_possible_now', detail)
    }
    // The waiting call is not executed: the person continues with something else.
    if (last?.state === 'waiting') await this.#work.close(await this.#open.opened(owner, last), 'declined', 'stopped')
    if (!(await store.addAnswer(row, retryOf))) throw noConversation()
    if (retryOf !== undefined) this.#open.forget(retryOf)
    return this.#open.before(id, row.id)
  }

  async #find(owner: string, id: string): Promise<ConversationRow> {
    const row = await this.#options.store.find(owner, id)
    if (row) return row
    throw noConversation()
  }

  async #get(principal: Principal, conversationId: string, answerId: string): Promise<OpenAnswer> {
    const owner = ownerOf(principal)
    await this.#find(owner, conversationId)
    const open = await this.#open.find(answerId)
    if (open?.row.conversation_id === conversationId) return open
    const row = await this.#options.store.findAnswer(conversationId, answerId)
    if (!row) throw new Problem('not_found', 'There is no such answer.')
    return this.#open.opened(owner, row)
  }
}

function summaryIn({ summary }: Pick<ConversationRow, 'summary'>): Run['summary'] {
  return summary === null ? undefined : JSON.parse(summary)
}

const noConversation = () => new Problem('not_found', 'There is no such conversation.')
const busy = () => new Problem('not_possible_now', 'This conversation is being answered. Wait, or stop the answer.')
const frozen = () => new Problem('frozen', 'A human stopped what this caller does.')
const draining = () =>
  new Problem('draining', 'RustyMail is shutting down; try again in a moment.', { retryAfterSeconds: 5 })
