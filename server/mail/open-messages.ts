/** Opens messages for callers that may see their account: from the cache, or fetched once for all that ask at the same time, and decoded. */
import { withFirstHeaders } from '../imap/header-fields.ts'
import type { MailConnection, MessageContent } from '../imap/mail-gateway.ts'
import { checkValidity, type MessagePlace } from '../imap/message-ref.ts'
import { Problem } from '../platform/problem.ts'
import type { DecodedBody } from '../reading/decode-body.ts'
import { type Asker, type NoOutcome, SharedJob } from '../reading/job-cache.ts'
import type { PartsReader } from '../reading/parts-reader.ts'
import { type CachedMessage, MessageCache, type MessageName } from './message-cache.ts'

/** Parts of a message are cut here; the contract says so. */
const maxPartBytes = 1024 * 1024

/** Lends a connection that may see the account. */
type Ask = <T>(work: (connection: MailConnection) => Promise<T>, signal: AbortSignal) => Promise<T>

export interface Opening {
  accountId: string
  /** Changes with the account; null while it is not to be read. */
  revision: string | null
  place: MessagePlace
  asker: Asker
  ask: Ask
  /**
   * Whether the mail server is asked if the message is still there, and for its flags. Not for the rest of what was begun: its beginning
   * was given away already.
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

  /** @throws Problem `stale_ref` or `message_not_found`, or what the mail server says. */
  async open(opening: Opening): Promise<CachedMessage> {
    const name = nameOf(opening)
    const cached = opening.revision === null ? undefined : this.#cache.find(name)
    if (!cached) return this.#fetchShared(opening, name)
    if (opening.isLookedAt) await this.#look(opening, name, cached)
    return cached
  }

  /** What was made of a message once; what did not come to an end for want of time is made again. */
  async once<T>(message: CachedMessage, name: string, make: () => Promise<T | NoOutcome>): Promise<T | NoOutcome> {
    const kept = message.outcome(name)
    if (kept !== undefined) return kept as T | NoOutcome
    const outcome = await make()
    if (outcome !== 'busy') message.keep(name, outcome)
    return outcome
  }

  /** The account is gone, or is another one now. */
  forget(accountId: string): void {
    this.#cache.dropAccount(accountId)
  }

  async #look({ ask, asker, place }: Opening, name: MessageName, cached: CachedMessage): Promise<void> {
    const { uidValidity, found } = await ask(c => c.findFlags(place.folder, place.uid), asker.signal)
    if (found && uidValidity === place.uidValidity) {
      cached.content = { ...cached.content, ...found }
      return
    }
    this.#cache.drop(name)
    checkValidity(place, uidValidity)
    throw gone()
  }

  /** With those of the same key alone: nobody waits in the line of another one. */
  async #fetchShared(opening: Opening, name: MessageName): Promise<CachedMessage> {
    const { asker, revision } = opening
    const shared = `${asker.key} ${revision} ${name.accountId} ${name.place}`
    for (;;) {
      const job = this.#underWay.get(shared) ?? this.#start(shared, opening, name)
      try {
        return await job.join(asker.signal)
      } catch (error) {
        // Taken back for others in the moment in which this one came.
        if (!job.isTakenBack || asker.signal.aborted) throw error
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

  async #fetch({ place, ask, asker }: Opening, name: MessageName, signal: AbortSignal): Promise<CachedMessage> {
    const { encoded, ...fetched } = await ask(connection => getContent(connection, place), signal)
    // Without a connection: others can use it meanwhile.
    const body = encoded && (await this.#parts.decode(encoded, { key: asker.key, signal }))
    const content = await withFirstHeaders(body === undefined ? fetched : { ...fetched, ...bodyOf(body) })
    return this.#cache.add(name, content)
  }
}

function nameOf({ accountId, revision, place: { folder, uidValidity, uid, part } }: Opening): MessageName {
  return { accountId, revision: revision ?? '', place: JSON.stringify([folder, uidValidity, uid, part]) }
}

/** @throws Problem where it may be had in a moment. */
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
