/** Locates a message by its reference, which contains the place, or by its id, which the index resolves. */
import { Flag } from '../../contract/mail.ts'
import type { MessageHeader } from '../imap/mail-gateway.ts'
import type { MessagePlace, MessageRefs } from '../imap/message-ref.ts'
import type { ExpectedChanges } from '../index/expected-changes.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { IndexedPlace } from '../index/index-types.ts'
import { Problem } from '../platform/problem.ts'
import type { AccountIndexer } from '../sync/account-indexer.ts'

export interface MessagePlacesOptions {
  refs: Pick<MessageRefs, 'decode' | 'canName'>
  /** Undefined where nothing is indexed: then there are no ids. */
  index: { of(accountId: string): Pick<IndexOperations, 'locateMessages'> } | undefined
  indexerOf(accountId: string): Pick<AccountIndexer, 'look' | 'isComplete'> | undefined
  /** A message whose move was only requested is still in its folder. */
  expected?: Pick<ExpectedChanges, 'of'>
}

type ShownFlags = Pick<MessageHeader, 'flags' | 'keywords'>

/** The form of an id; no reference is that short. */
const idForm = /^[A-Za-z0-9_-]{20}$/
/** Timeout of a round over all folders, when a message is not where it was. */
const lookMs = 10_000
const goneCodes = ['message_not_found', 'stale_ref', 'folder_not_found', 'folder_not_selectable']

export class MessagePlaces {
  readonly #options: MessagePlacesOptions

  constructor(options: MessagePlacesOptions) {
    this.#options = options
  }

  /**
   * Runs work at the message's place. A message named by its id that was moved meanwhile is located once more.
   * @throws Problem `message_not_found` for one that is not of this account.
   */
  async at<T>(
    accountId: string,
    name: string,
    signal: AbortSignal,
    work: (place: MessagePlace) => Promise<T>,
  ): Promise<T> {
    if (!idForm.test(name)) return work(this.#options.refs.decode(accountId, name))
    const found = await this.#find(accountId, name)
    if (!found) throw this.#unknown(accountId)
    const [before] = found
    try {
      if (before) return await work(before)
    } catch (error) {
      if (!(error instanceof Problem) || !goneCodes.includes(error.code)) throw error
    }
    await this.#options.indexerOf(accountId)?.look(lookMs)
    signal.throwIfAborted()
    const [now] = (await this.#find(accountId, name)) ?? []
    if (!now) throw this.#unknown(accountId)
    return work(now)
  }

  /** Returns the flags as they will be once requested changes are done. */
  flagsOf(accountId: string, { folder, uidValidity, uid, part }: MessagePlace, now: ShownFlags): ShownFlags {
    const changes = part === undefined && this.#options.expected?.of(accountId)
    if (!changes) return now
    const wire = [...now.flags.map(toWireFlag), ...now.keywords]
    const shown = changes.flagsAt({ path: folder, uidValidity, uid }, wire)
    if (shown === wire) return now
    const flags = allFlags.filter(flag => shown.includes(toWireFlag(flag)))
    return { flags, keywords: shown.filter(flag => !flag.startsWith('\\')) }
  }

  /** Undefined when unknown to the index; empty when it left its folder and was not found in another yet. */
  async #find(accountId: string, id: string): Promise<MessagePlace[] | undefined> {
    const { index, refs, indexerOf, expected } = this.#options
    // An account without an indexer has no index, and accessing it would create one.
    if (!indexerOf(accountId)) return undefined
    const changes = expected?.of(accountId)
    const place = () => changes?.placeOf(id) ?? changes?.returningTo(id)
    // Read before the index is queried: the message may be placed between its answer and a later read.
    const before = place()
    const [message] = (await index?.of(accountId).locateMessages([id], false).catch(toProblem)) ?? []
    const leaving = place() ?? before
    const listed = (message?.places ?? []).map(each => ({ ...each, path: changes?.pathNow(each.path) ?? each.path }))
    const places = [...listed, ...(leaving ? [leaving] : [])]
    return message && places.filter(({ path }) => refs.canName(path)).map(toPlace)
  }

  #unknown(accountId: string): Problem {
    const { index, indexerOf } = this.#options
    const isBuilding = index && indexerOf(accountId)?.isComplete === false
    const more = isBuilding ? ' The account is still being indexed: it may be found later.' : ''
    return new Problem('message_not_found', `There is no such message in this account.${more}`)
  }
}

const allFlags = Flag.options

function toWireFlag(flag: Flag): string {
  return `\\${flag[0]!.toUpperCase()}${flag.slice(1)}`
}

function toPlace({ path, uidValidity, uid }: Pick<IndexedPlace, 'path' | 'uidValidity' | 'uid'>): MessagePlace {
  return { folder: path, uidValidity, uid }
}

function toProblem(error: unknown): never {
  if (!(error instanceof IndexFault)) throw error
  const isClosed = error.code === 'closed'
  const detail = isClosed ? 'RustyMail is shutting down.' : 'The index is not available right now.'
  throw new Problem(isClosed ? 'draining' : 'overloaded', detail, { retryAfterSeconds: 5, cause: error })
}
