/** Messages that arrived in a folder since an operation began to put messages there; they show what it has done. */
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { Identity, Intent, Place } from './operation-tables.ts'

const maxUid = 2 ** 32 - 1
const headersAtOnce = 200
/** Arrivals that are read per folder; with more of them, the outcome of the messages is unknown. */
const mostArrived = 5_000

/** Reads the state of a target folder before anything is put there. */
export async function intentFor(connection: MailConnection, to: string): Promise<Intent> {
  const { uidValidity, uidNext } = await connection.listArrivals(to, maxUid, 1)
  return { to, uidValidity, uidNext }
}

interface Arrived extends Identity {
  isReadable: boolean
  place: Place
}

/** Each arrival can be taken only once, so that two identical messages match different arrivals. */
export class ArrivedMessages {
  readonly #byIdentity = new Map<string, Set<Arrived>>()
  readonly #byMessageId = new Map<string, Set<Arrived>>()
  readonly #nameless = new Set<Arrived>()

  constructor(path: string, uidValidity: number, headers: readonly IndexHeader[]) {
    for (const { uid, messageId, sizeBytes, date, faults } of headers) {
      const isReadable = !faults.includes('unreadable')
      const arrived = { messageId, sizeBytes, date, isReadable, place: { path, uidValidity, uid } }
      setOf(this.#byIdentity, keyOf(arrived)).add(arrived)
      if (messageId === null) this.#nameless.add(arrived)
      else setOf(this.#byMessageId, messageId).add(arrived)
    }
  }

  /** @returns Undefined when the folder was recreated or has more than `mostArrived` arrivals. */
  static async read(connection: MailConnection, intent: Intent): Promise<ArrivedMessages | undefined> {
    const all: IndexHeader[] = []
    let validity = 0
    for (let from = intent.uidNext, hasMore = true; hasMore; ) {
      const page = await connection.changes.listHeaders(intent.to, [from, maxUid], headersAtOnce, 'oldest')
      // An empty folder may have no UIDVALIDITY yet (0).
      if (intent.uidValidity !== 0 && page.uidValidity !== intent.uidValidity) return undefined
      validity = page.uidValidity
      all.push(...page.headers)
      if (all.length > mostArrived) return undefined
      const last = Math.max(0, ...page.headers.map(({ uid }) => uid))
      hasMore = page.hasMore && last >= from
      from = last + 1
    }
    all.sort((one, other) => one.uid - other.uid)
    return new ArrivedMessages(intent.to, validity, all)
  }

  take(identity: Identity | undefined): Place | undefined {
    return identity && this.#taken(this.#byIdentity.get(keyOf(identity)))
  }

  /** Takes an arrival that matches by Message-ID alone. */
  takeLike(identity: Identity | undefined): Place | undefined {
    return identity?.messageId ? this.#taken(this.#byMessageId.get(identity.messageId)) : undefined
  }

  /** Whether an unrecognisable message may be among the arrivals that were not taken. */
  mayHold(identity: Identity | undefined): boolean {
    if (!identity) return this.#nameless.size > 0 || [...this.#byMessageId.values()].some(({ size }) => size > 0)
    return [...this.#nameless].some(({ isReadable }) => !isReadable || identity.messageId === null)
  }

  #taken(some: ReadonlySet<Arrived> | undefined): Place | undefined {
    const [first] = some ?? []
    if (!first) return undefined
    this.#byIdentity.get(keyOf(first))?.delete(first)
    this.#byMessageId.get(first.messageId ?? '')?.delete(first)
    this.#nameless.delete(first)
    return first.place
  }
}

function setOf<Key>(sets: Map<Key, Set<Arrived>>, key: Key): Set<Arrived> {
  const known = sets.get(key) ?? new Set<Arrived>()
  sets.set(key, known)
  return known
}

function keyOf({ messageId, sizeBytes, date }: Identity): string {
  return JSON.stringify([messageId, sizeBytes, date])
}

/** Converts a place to the `after_…` columns of an item. */
export function afterAt(place: Place | undefined) {
  const { path = null, uidValidity = null, uid = null } = place ?? {}
  return { after_path: path, after_uid_validity: uidValidity, after_uid: uid }
}
