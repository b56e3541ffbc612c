/**
 * Detects changes in a folder with ImapFlow: by QRESYNC, by CONDSTORE (RFC 7162), or by fetching the flags of all known
 * messages.
 */
import type { ImapFlow, MailboxObject } from 'imapflow'
import { Problem } from '../../platform/problem.ts'
import type {
  ChangedMessage,
  ChangeReader,
  FetchedTexts,
  FolderChanges,
  FolderStanding,
  IndexHeader,
  KnownFolder,
} from '../gateway-capabilities.ts'
import { commonUids, countUids, holdsUid, readUidSet, type UidRange, withoutUids, writeUidSet } from '../uid-ranges.ts'
import type { CapabilityOptions } from './imapflow-content.ts'
import { readStanding } from './imapflow-flags.ts'
import { listStandings } from './imapflow-folders.ts'
import { toIndexHeader } from './imapflow-index.ts'
import { fetchKept, indexQuery } from './imapflow-rows.ts'
import { newestOf, oldestOf } from './imapflow-search.ts'
import { fetchTexts } from './imapflow-texts.ts'
import { UidCache } from './imapflow-uid-cache.ts'

/** UID ranges per command, since servers accept lines of 8,000 bytes (RFC 7162, section 4). */
const rangesOfCommand = 300

export class ImapFlowChanges implements ChangeReader {
  readonly #options: CapabilityOptions & { onRowDropped: (() => void) | undefined }
  readonly #vanished: VanishedUids
  readonly #uids: UidCache

  constructor(options: CapabilityOptions & { onRowDropped: (() => void) | undefined }) {
    this.#options = options
    this.#vanished = new VanishedUids(options.client)
    this.#uids = new UidCache(options.client)
  }

  changesSince(path: string, known: KnownFolder): Promise<FolderChanges> {
    const { client, folder, command } = this.#options
    return command(async () => {
      const { uidValidity, exists } = await folder.openAgain(path)
      const { mailbox } = client
      const isCounted = mailbox && !mailbox.noModseq && client.enabled.has('CONDSTORE')
      const modseq = isCounted ? mailbox.highestModseq : undefined
      const now = { uidValidity, modseq, changed: [], vanished: [] }
      if (uidValidity !== known.uidValidity || known.uids.length === 0) return now
      if (exists === 0) return { ...now, vanished: [...known.uids] }
      const since = modseq === undefined ? undefined : known.modseq
      const tellsVanished = since !== undefined && client.enabled.has('QRESYNC')
      if (tellsVanished && since === modseq) return now
      const changed: ChangedMessage[] = []
      const gone: UidRange[] = []
      for (const uids of pieces(known.uids)) {
        const { result, vanished } = await this.#vanished.during(() => this.#flagsOf(uids, since))
        changed.push(...result)
        gone.push(...(tellsVanished ? commonUids(uids, vanished) : withoutUids(uids, await this.#thereOf(uids))))
      }
      return { ...now, changed, vanished: gone }
    })
  }

  ready(path: string): Promise<void> {
    const { folder, command } = this.#options
    return command(() => folder.ready(path))
  }

  flagStanding(path: string, uids: readonly UidRange[], flags: readonly string[]) {
    const { client, folder, command } = this.#options
    return command(async () => {
      const { uidValidity, exists } = await folder.openReadied(path)
      return { uidValidity, ...(await readStanding(client, exists === 0 ? [] : uids, flags)) }
    })
  }

  listStandings(budgetMs: number, first: readonly string[] = []): Promise<FolderStanding[]> {
    const { client, command } = this.#options
    return command(() => listStandings(client, budgetMs, first))
  }

  listTexts(path: string, uids: readonly number[], maxBytes: number): Promise<FetchedTexts & { uidValidity: number }> {
    const { client, folder, command } = this.#options
    return command(async () => {
      const { uidValidity } = await folder.open(path)
      return { uidValidity, ...(await fetchTexts(client, uids, maxBytes)) }
    })
  }

  headersOf(path: string, uids: readonly number[]): Promise<{ uidValidity: number; headers: IndexHeader[] }> {
    const { client, folder, command, onRowDropped } = this.#options
    return command(async () => {
      const { uidValidity } = await folder.open(path)
      const how = { query: indexQuery, onDropped: onRowDropped, keep: toIndexHeader }
      const headers = await fetchKept(client, { by: 'uid', numbers: uids }, how)
      return { uidValidity, headers }
    })
  }

  listHeaders(
    path: string,
    [first, last]: UidRange,
    limit: number,
    end: 'newest' | 'oldest' = 'newest',
  ): Promise<{ uidValidity: number; headers: IndexHeader[]; hasMore: boolean }> {
    const { client, folder, command, onRowDropped } = this.#options
    return command(async () => {
      const { uidValidity } = await folder.open(path)
      const how = { query: indexQuery, onDropped: onRowDropped, keep: toIndexHeader }
      const read = async () => {
        const there = await this.#uids.within([first, last], () => this.#thereOf([[first, last]]))
        const { uids: numbers, hasMore } =
          end === 'newest' ? newestOf(writeUidSet(there), limit) : oldestOf(there, limit)
        const headers = await fetchKept(client, { by: 'uid', numbers }, how)
        // Messages vanished, which some servers do not report.
        if (headers.length < numbers.length) this.#uids.forget()
        return { uidValidity, headers, hasMore }
      }
      const found = await read()
      return found.headers.length === 0 && found.hasMore ? read() : found
    })
  }

  /** Returns flags by ascending UID, one entry per requested message, whatever the server sends. */
  async #flagsOf(uids: readonly UidRange[], changedSince: bigint | undefined): Promise<ChangedMessage[]> {
    const { client } = this.#options
    const options = { uid: true, ...(changedSince === undefined ? {} : { changedSince }) }
    const flags = new Map<number, string[]>()
    for await (const row of client.fetch(writeUidSet(uids), { uid: true, flags: true }, options)) {
      if (row.flags && holdsUid(uids, row.uid)) flags.set(row.uid, [...row.flags])
    }
    return [...flags].map(([uid, set]) => ({ uid, flags: set })).sort((a, b) => a.uid - b.uid)
  }

  async #thereOf(uids: readonly UidRange[]): Promise<UidRange[]> {
    const found = await this.#options.client.search({ uid: writeUidSet(uids) }, { uid: true, returnOptions: ['ALL'] })
    if (!found) throw new Problem('mail_server_refused', 'The mail server refused to search by UID.', { part: 'imap' })
    return commonUids(uids, readUidSet(Array.isArray(found) ? found.join() : (found.all ?? '')))
  }
}

function* pieces(uids: readonly UidRange[]): Generator<readonly UidRange[], undefined> {
  for (let at = 0; at < uids.length; at += rangesOfCommand) yield uids.slice(at, at + rangesOfCommand)
}

interface Untagged {
  attributes?: (Attribute | Attribute[])[]
}

interface Attribute {
  value?: unknown
}

/**
 * Keeps VANISHED (RFC 7162, section 3.2.10), which QRESYNC sends in place of EXPUNGE, as ranges. ImapFlow would emit an
 * event per UID: `1:4294967295`, a line of 26 bytes, blocked the event loop for seconds.
 */
class VanishedUids {
  /** UIDs reported as VANISHED (EARLIER), collected by `during`. */
  #earlier: UidRange[] = []

  constructor(client: ImapFlow) {
    const inside = client as unknown as { untaggedVanished(untagged: Untagged): Promise<void> }
    inside.untaggedVanished = async ({ attributes = [] }) => {
      const last = attributes.at(-1)
      const set = last && !Array.isArray(last) ? last.value : undefined
      const { mailbox } = client
      // Without QRESYNC it is unsolicited.
      if (typeof set !== 'string' || !mailbox || !client.enabled.has('QRESYNC')) return
      if (Array.isArray(attributes[0])) this.#earlier.push(...readUidSet(set))
      else forget(client, mailbox, readUidSet(set))
    }
  }

  /** Runs a command and collects the UIDs that vanished earlier. */
  async during<T>(command: () => Promise<T>): Promise<{ result: T; vanished: UidRange[] }> {
    this.#earlier = []
    const result = await command()
    return { result, vanished: this.#earlier.splice(0) }
  }
}

function forget(client: ImapFlow, mailbox: MailboxObject, uids: readonly UidRange[]): void {
  mailbox.exists = Math.max(0, mailbox.exists - countUids(uids))
  client.emit('expunge', { path: mailbox.path, vanished: true, earlier: false })
}
