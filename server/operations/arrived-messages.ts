/** What came into a folder since an operation began to put messages there: by it the operation finds out what it did. */
import type { IndexHeader } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { Identity, Intent, Place } from './operation-tables.ts'

const maxUid = 2 ** 32 - 1
const headersAtOnce = 200
/** Looked at in a folder. Where more came, it is not known what became of a message that is not among them. */
const mostArrived = 5_000

/** Before anything is put there. */
export async function intentFor(connection: MailConnection, to: string): Promise<Intent> {
  const { uidValidity, uidNext } = await connection.listArrivals(to, maxUid, 1)
  return { to, uidValidity, uidNext }
}

interface Arrived extends Identity {
  isReadable: boolean
  place: Place
}

/** Each can be taken once: of two equal messages, each has its own. */
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

  /** Undefined when the folder was recreated, or more came than is looked at. */
  static async read(connection: MailConnection, intent: Intent): Promise<ArrivedMessages | undefined> {
    const all: IndexHeader[] = []
    let validity = 0
    for (let from = intent.uidNext, hasMore = true; hasMore; ) {
      const page = await connection.changes.listHeaders(intent.to, [from, maxUid], headersAtOnce, 'oldest')
      // An empty folder may have none yet (0).
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

  /** By its Message-ID alone. */
  takeLike(identity: Identity | undefined): Place | undefined {
    return identity?.messageId ? this.#taken(this.#byMessageId.get(identity.messageId)) : undefined
  }

  /** Whether one that cannot be recognised may be among those that nobody took. */
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

/** As the columns of an item have it. */
export function afterAt(place: Place | undefined) {
  const { path = null, uidValidity = null, uid = null } = place ?? {}
  return { after_path: path, after_uid_validity: uidValidity, after_uid: uid }
}
