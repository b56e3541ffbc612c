/** Locates messages that a caller names, in bulk: by references, which contain the place, or by ids of the index. */
import type { ProblemCode } from '../../contract/problem.ts'
import type { MessageRefs } from '../imap/message-ref.ts'
import type { AccountExpectations, ExpectedChanges } from '../index/expected-changes.ts'
import { IndexFault } from '../index/index-fault.ts'
import type { IndexOperations } from '../index/index-operations.ts'
import type { PackedPlaces } from '../index/index-types.ts'
import { Problem } from '../platform/problem.ts'
import { type Identity, type Place, placeKey } from './operation-tables.ts'

type AskedIndex = Pick<IndexOperations, 'packPlaces' | 'packIdentities'>

export interface NamedMessagesOptions {
  refs: Pick<MessageRefs, 'decode'>
  index: { of(accountId: string): AskedIndex }
  /** Consulted since a message that only lists show as moved is still in its old folder. */
  expected: Pick<ExpectedChanges, 'of'>
  /** Whether the account is indexed. If not, it has no ids, and looking them up must not create an index. */
  isIndexed(accountId: string): boolean
  /** Looks at all folders of the account, within a time limit. @returns Whether it succeeded. */
  look(accountId: string): Promise<boolean>
}

export interface FoundMessage {
  messageId: string | null
  place: Place
}

export interface NotFound {
  code: ProblemCode
  why: string
}

const idForm = /^[A-Za-z0-9_-]{20}$/
const unknown: NotFound = { code: 'message_not_found', why: 'There is no such message in this account.' }
const nowhere: NotFound = {
  code: 'mail_server_unreachable',
  why: 'Another program moved or deleted the message, and the mail server could not be asked where it is: try again.',
}

export class NamedMessages {
  readonly #options: NamedMessagesOptions

  constructor(options: NamedMessagesOptions) {
    this.#options = options
  }

  /** @returns In the order of the names. */
  async find(accountId: string, names: readonly string[]): Promise<(FoundMessage | NotFound)[]> {
    const ids = names.filter(name => idForm.test(name))
    const found = await this.#findIds(accountId, ids)
    const lost = ids.filter((_, at) => found[at] === undefined)
    const again = lost.length > 0 ? await this.#lookFor(accountId, lost) : []
    const seen = new Set<string>()
    const isMixed = ids.length > 0 && ids.length < names.length
    let [at, lostAt] = [0, 0]
    return names.map(name => {
      const each = idForm.test(name) ? (found[at++] ?? again[lostAt++]!) : this.#fromRef(accountId, name)
      // Only an id and a reference can name the same message: ids differ between messages, and so do references.
      if (!isMixed || !('place' in each)) return each
      const key = placeKey(each.place)
      if (seen.has(key)) return { code: 'bad_request', why: 'It is named twice: by its id and by a reference.' }
      seen.add(key)
      return each
    })
  }

  /** Finds the folder of the first of many messages, since finding all of them takes longer than finding one. */
  async firstPath(accountId: string, [name]: readonly string[]): Promise<string | undefined> {
    if (name === undefined || !idForm.test(name)) return undefined
    const [found] = await this.#findIds(accountId, [name])
    return found && 'place' in found ? found.place.path : undefined
  }

  /**
   * Returns by id what messages are recognised by in another folder; reading that takes longer than locating them.
   * Messages that are unknown or named by references are omitted.
   */
  async recognise(accountId: string, names: readonly string[]): Promise<Map<string, Identity>> {
    const ids = names.filter(name => idForm.test(name))
    const known = await this.#ask(accountId, ids, index => index.packIdentities(ids))
    const recognised = new Map<string, Identity>()
    if (!known) return recognised
    const { there, messageIds, sizes, dates } = known
    for (const [at, id] of ids.entries()) {
      if (!there[at]) continue
      const date = new Date(dates[at]!).toISOString()
      recognised.set(id, { messageId: messageIds[at]!, sizeBytes: sizes[at]!, date })
    }
    return recognised
  }

  /** Looks in all folders for messages that another program moved or deleted. */
  async #lookFor(accountId: string, ids: readonly string[]): Promise<(FoundMessage | NotFound)[]> {
    const isOver = await this.#options.look(accountId)
    const found = await this.#findIds(accountId, ids)
    return ids.map((_, at) => found[at] ?? (isOver ? unknown : nowhere))
  }

  /** @returns In the order of the ids; undefined for a message that is known but in no folder. */
  async #findIds(accountId: string, ids: readonly string[]): Promise<(FoundMessage | NotFound | undefined)[]> {
    const expected = this.#options.expected.of(accountId)
    const otherwise = (id: string) => expected.returningTo(id)
    // Read before the index is queried: a message may appear elsewhere, or come back, before the answer is used here.
    const before = new Map<string, Place>()
    for (const id of ids) {
      const place = expected.placeOf(id) ?? otherwise(id)
      if (place) before.set(id, place)
    }
    const known = await this.#ask(accountId, ids, index => index.packPlaces(ids))
    return ids.map((id, at) => fromIndex(id, known, at, expected, () => otherwise(id) ?? before.get(id)))
  }

  /** Asks the account's index; undefined if there is nothing to ask it. */
  async #ask<Answer>(
    accountId: string,
    ids: readonly string[],
    how: (index: AskedIndex) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const { index, isIndexed } = this.#options
    if (ids.length === 0 || !isIndexed(accountId)) return undefined
    try {
      return await how(index.of(accountId))
    } catch (error) {
      if (!(error instanceof IndexFault)) throw error
      const detail = 'The index is not available right now; messages can be named by `ref`.'
      throw new Problem('overloaded', detail, { retryAfterSeconds: 5, cause: error })
    }
  }

  #fromRef(accountId: string, ref: string): FoundMessage | NotFound {
    try {
      const { folder: path, uidValidity, uid, part } = this.#options.refs.decode(accountId, ref)
      if (part !== undefined) return { code: 'bad_request', why: 'An attached message cannot be changed.' }
      return { messageId: null, place: { path, uidValidity, uid } }
    } catch (error) {
      if (error instanceof Problem && error.code === 'message_not_found') return unknown
      throw error
    }
  }
}

/** A message in several folders is changed in the first, whose flags lists show, too. @param at Index of the id. */
function fromIndex(
  id: string,
  known: PackedPlaces | undefined,
  at: number,
  expected: Pick<AccountExpectations, 'placeOf' | 'pathNow'>,
  otherwise: () => Place | undefined,
): FoundMessage | NotFound | undefined {
  if (!known?.there[at]) return unknown
  const place = expected.placeOf(id) ?? indexedPlace(known, at, expected) ?? otherwise()
  if (!place) return undefined
  const { path, uidValidity, uid } = place
  return { messageId: id, place: { path, uidValidity, uid } }
}

function indexedPlace(
  { folders, folder, uid }: PackedPlaces,
  at: number,
  expected: Pick<AccountExpectations, 'pathNow'>,
): Place | undefined {
  const indexed = folders[folder[at]!]
  return indexed && { path: expected.pathNow(indexed.path), uidValidity: indexed.uidValidity, uid: uid[at]! }
}
