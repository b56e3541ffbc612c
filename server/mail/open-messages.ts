/** Opens messages for authorised callers: from the cache, or fetched once for all concurrent callers, and decoded. */
import { withFirstHeaders } from '../imap/header-fields.ts'
import type { MailConnection, MessageContent } from '../imap/mail-gateway.ts'
import { checkValidity, type MessagePlace } from '../imap/message-ref.ts'
import { Problem } from '../platform/problem.ts'
import type { DecodedBody } from '../reading/decode-body.ts'
import { type NoOutcome, type Requester, SharedJob } from '../reading/job-cache.ts'
import type { PartsReader } from '../reading/parts-reader.ts'
import { type CachedMessage, MessageCache, type MessageName } from './message-cache.ts'

/** Maximum bytes per part, as documented in the contract; longer ones are truncated. */
const maxPartBytes = 1024 * 1024

/** Lends a connection of the account. */
type FetchMessage = <T>(work: (connection: MailConnection) => Promise<T>, signal: AbortSignal) => Promise<T>

export interface Opening {
  accountId: string
  /** Changes with the account; null while it is disabled. */
  revision: string | null
  place: MessagePlace
  requester: Requester
  ask: FetchMessage
  /**
   * True checks that the message still exists, and fetches its flags. False for the rest of a message whose beginning
   * was already returned.
   */
  isLookedAt: boolean
}

export class OpenMessages {
  readonly #cache = new MessageCache()
  readonly #parts: Pick<PartsReader, 'decode'>
  readonly #underWay = new Map<string, SharedJob<CachedMessage>>()

  constructor(parts: Pick<PartsReader, 'decode'>) {
    this.#parts = parts
  }

  /** @throws Problem `stale_ref` or `message_not_found`, or one of the mail server. */
  async open(opening: Opening): Promise<CachedMessage> {
    const name = nameOf(opening)
    const cached = opening.revision === null ? undefined : this.#cache.find(name)
    if (!cached) return this.#fetchShared(opening, name)
    if (opening.isLookedAt) await this.#look(opening, name, cached)
    return cached
  }

  /** Derives a value of a message once; a transient failure is retried at the next call. */
  async once<T>(message: CachedMessage, name: string, make: () => Promise<T | NoOutcome>): Promise<T | NoOutcome> {
    const kept = message.outcome(name)
    if (kept !== undefined) return kept as T | NoOutcome
    const outcome = await make()
    if (outcome !== 'busy') message.keep(name, outcome)
    return outcome
  }

  /** Called when the account was deleted or changed. */
  forget(accountId: string): void {
    this.#cache.dropAccount(accountId)
  }

  async #look({ ask, requester, place }: Opening, name: MessageName, cached: CachedMessage): Promise<void> {
    const { uidValidity, found } = await ask(c => c.findFlags(place.folder, place.uid), requester.signal)
    if (found && uidValidity === place.uidValidity) {
      cached.content = { ...cached.content, ...found }
      return
    }
    this.#cache.drop(name)
    checkValidity(place, uidValidity)
    throw gone()
  }

  /** Shares fetches between callers with the same key only, so that no caller waits in another's queue. */
  async #fetchShared(opening: Opening, name: MessageName): Promise<CachedMessage> {
    const { requester, revision } = opening
    const shared = `${requester.key} ${revision} ${name.accountId} ${name.place}`
    for (;;) {
      const job = this.#underWay.get(shared) ?? this.#start(shared, opening, name)
      try {
        return await job.join(requester.signal)
      } catch (error) {
        // The job was cancelled for others just when this caller joined.
        if (!job.isTakenBack || requester.signal.aborted) throw error
      }
    }
  }

  #start(shared: string, opening: Opening, name: MessageName): SharedJob<CachedMessage> {
    const job = new SharedJob(signal =>
      this.#fetch(opening, name, signal).finally(() => {
        if (this.#underWay.get(shared) === job) this.#underWay.delete(shared)
      }),
    )
    this.#underWay.set(shared, job)
    return job
  }

  async #fetch({ place, ask, requester }: Opening, name: MessageName, signal: AbortSignal): Promise<CachedMessage> {
    const { encoded, ...fetched } = await ask(connection => getContent(connection, place), signal)
    // Holds no connection meanwhile.
    const body = encoded && (await this.#parts.decode(encoded, { key: requester.key, signal }))
    const content = await withFirstHeaders(body === undefined ? fetched : { ...fetched, ...bodyOf(body) })
    return this.#cache.add(name, content)
  }
}

function nameOf({ accountId, revision, place: { folder, uidValidity, uid, part } }: Opening): MessageName {
  return { accountId, revision: revision ?? '', place: JSON.stringify([folder, uidValidity, uid, part]) }
}

/** @throws Problem when a retry may succeed soon. */
function bodyOf(body: DecodedBody | NoOutcome): Partial<MessageContent> {
  if (typeof body === 'object') return body
  if (body === 'gave_up') return { text: null, html: null, isTruncated: true }
  throw new Problem('overloaded', 'RustyMail is busy with other messages.', { retryAfterSeconds: 5 })
}

async function getContent(connection: MailConnection, place: MessagePlace): Promise<MessageContent> {
  const { uidValidity, message } = await connection.getMessage(place.folder, place.uid, maxPartBytes, place.part)
  checkValidity(place, uidValidity)
  if (!message) throw gone()
  return message
}

function gone(): Problem {
  return new Problem('message_not_found', 'The message no longer exists: it was moved or deleted on the mail server.')
}
