/**
 * Readers that follow an answer, each by a session or token; reading ends with that, or with its right to use the
 * assistant.
 */
import type { ChatbotPart } from '../../contract/answers.ts'
import type { Principal } from '../platform/principal.ts'
import { type KeptPart, toPart } from './kept-parts.ts'
import type { OpenAnswer } from './open-answer.ts'
import { hasEnded, mayQuery } from './question-rights.ts'
import { partsInReach } from './reach.ts'

interface Reader {
  principal: Principal
  readonly cut: AbortController
}

/** The parts that a reader gets; must be read to the end, or ended with `return`. */
export type ReadParts = Pick<AsyncGenerator<ChatbotPart>, 'next' | 'return'> & AsyncIterable<ChatbotPart>

export class AnswerReaders {
  readonly #readers = new Set<Reader>()

  /**
   * Opens a reader.
   * @param open Opens the parts; the reader is registered before, so that no change of the principal is missed.
   */
  async open(
    principal: Principal,
    signal: AbortSignal,
    open: (signal: AbortSignal) => Promise<{ answer: OpenAnswer; parts: AsyncGenerator<KeptPart> }>,
  ): Promise<ReadParts> {
    const reader: Reader = { principal, cut: new AbortController() }
    this.#readers.add(reader)
    const over = () => void this.#readers.delete(reader)
    try {
      const { answer, parts } = await open(AbortSignal.any([signal, reader.cut.signal]))
      return new Reading(shownTo(reader, answer, parts), reader.cut.signal, over)
    } catch (error) {
      over()
      throw error
    }
  }

  /** Follows an answer for the caller that asked; a failure of the answer is thrown. */
  async *answering(answer: OpenAnswer, principal: Principal, signal: AbortSignal): AsyncGenerator<ChatbotPart> {
    const reader: Reader = { principal, cut: new AbortController() }
    this.#readers.add(reader)
    try {
      yield* shownTo(reader, answer, answer.follow(0, signal, true))
    } finally {
      this.#readers.delete(reader)
    }
  }

  changed(principal: Principal): void {
    for (const reader of this.#readers) if (reader.principal.id === principal.id) reader.principal = principal
    this.endWhere(one => one.id === principal.id && !mayQuery(one))
  }

  /** Ends readers whose session or token has expired. */
  check(now: number): void {
    this.endWhere(principal => hasEnded(principal, now))
  }

  endWhere(isStopped: (principal: Principal) => boolean): void {
    for (const { principal, cut } of this.#readers) if (isStopped(principal)) cut.abort()
  }
}

/** Yields the parts as the reader may see them at that moment. */
async function* shownTo(
  reader: Reader,
  { facts }: OpenAnswer,
  parts: AsyncGenerator<KeptPart>,
): AsyncGenerator<ChatbotPart> {
  const inReach = partsInReach()
  for await (const part of parts) yield toPart(inReach(part, facts.needs, reader.principal))
}

/** Calls `over` when reading ends, even if nothing was ever read. */
class Reading implements ReadParts {
  readonly #parts: AsyncGenerator<ChatbotPart>
  readonly #cut: AbortSignal
  readonly #over: () => void

  constructor(parts: AsyncGenerator<ChatbotPart>, cut: AbortSignal, over: () => void) {
    this.#parts = parts
    this.#cut = cut
    this.#over = over
  }

  [Symbol.asyncIterator](): AsyncIterator<ChatbotPart> {
    return this
  }

  async next(): Promise<IteratorResult<ChatbotPart>> {
    try {
      const result = await this.#parts.next()
      // A part that was fetched before the reader was cut is not delivered any more.
      if (!(result.done || this.#cut.aborted)) return result
    } catch (error) {
      this.#over()
      throw error
    }
    return this.return()
  }

  async return(): Promise<IteratorResult<ChatbotPart>> {
    this.#over()
    return this.#parts.return(undefined)
  }
}
