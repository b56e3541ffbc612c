/** Changes mail with ImapFlow, sending each command once. */
import { Problem } from '../../platform/problem.ts'
import {
  type ChangedMessage,
  type FlagStanding,
  type FolderWriter,
  MessagesVanished,
  type MessageWriter,
  type MovedMessages,
  type NewPlaces,
  UnknownOutcome,
  type WriteTarget,
} from '../gateway-capabilities.ts'
import { holdsUid, orderedUids, rangesOfUids, type UidRange, writeUidSet } from '../uid-ranges.ts'
import type { CapabilityOptions } from './imapflow-content.ts'
import { readStanding } from './imapflow-flags.ts'
import { ImapFlowFolderWriter } from './imapflow-folder-writer.ts'
import { indicatesFull, refuseTooLarge } from './imapflow-full.ts'
import { type Inside, wireName } from './imapflow-names.ts'

interface Response {
  command?: string
  attributes?: { value?: unknown; section?: { value?: unknown }[] }[]
}

/** MODSEQ changes reported by the response to the last command. */
export interface ReportedChanges {
  /** UIDs reported with a new MODSEQ (RFC 7162, section 3.1.3) and nothing else. */
  readonly changedUids: readonly number[]
}

const mostUids = 1_000
/** RFC 9051, section 9: `flag`. */
const flagWord = /^\\?[!#$&'+-[^-z|}~]{1,200}$/

export class ImapFlowWriter implements MessageWriter {
  readonly #options: CapabilityOptions & { reported: ReportedChanges }
  readonly #folders: FolderWriter
  /** A command is in flight. */
  #isSent = false
  /** An earlier command has changed something. */
  #hasDone = false

  constructor(options: CapabilityOptions & { reported: ReportedChanges }) {
    this.#options = options
    const send = (command: string, attributes: unknown[]) => this.#send(command, attributes)
    this.#folders = new ImapFlowFolderWriter(options, send, work => this.#once(work))
  }

  prepare(path: string): void {
    this.#options.folder.prepareWriting(path)
  }

  createFolder(...asked: Parameters<FolderWriter['createFolder']>): Promise<void> {
    return this.#folders.createFolder(...asked)
  }

  renameFolder(path: string, to: string): Promise<void> {
    return this.#folders.renameFolder(path, to)
  }

  deleteFolder(path: string): Promise<void> {
    return this.#folders.deleteFolder(path)
  }

  setSubscribed(path: string, isSubscribed: boolean): Promise<void> {
    return this.#folders.setSubscribed(path, isSubscribed)
  }

  setFlags(target: WriteTarget, change: 'add' | 'remove', flags: readonly string[]): Promise<ChangedMessage[]> {
    return this.#once(async () => {
      await this.#open(target)
      for (const flag of flags) checkFlag(flag)
      if (target.uids.length === 0 || flags.length === 0) return []
      await this.#store(target, change === 'add' ? '+' : '-', flags)
      const wanted = new Set(target.uids)
      const changed: ChangedMessage[] = []
      const { client } = this.#options
      for await (const row of client.fetch(setOf(target).value, { uid: true, flags: true }, { uid: true })) {
        if (row.flags && wanted.delete(row.uid)) changed.push({ uid: row.uid, flags: [...row.flags] })
      }
      return changed.sort((a, b) => a.uid - b.uid)
    })
  }

  changeFlags(
    target: WriteTarget,
    { add, remove }: { add: readonly string[]; remove: readonly string[] },
  ): Promise<FlagStanding> {
    return this.#once(async () => {
      await this.#open(target)
      for (const flag of [...add, ...remove]) checkFlag(flag)
      if (add.length > 0) await this.#store(target, '+', add)
      if (remove.length > 0) await this.#store(target, '-', remove)
      const uids = rangesOfUids(target.uids)
      if (this.#wereAllChanged(target, add, remove)) {
        return { there: uids, having: new Map([...add.map(flag => [flag, uids] as const), ...remove.map(noneHas)]) }
      }
      return readStanding(this.#options.client, uids, [...add, ...remove])
    })
  }

  /** True when the response to one command confirmed permanent flags of every message, which need not be read then. */
  #wereAllChanged({ uids }: WriteTarget, add: readonly string[], remove: readonly string[]): boolean {
    const { client, reported } = this.#options
    const kept = client.mailbox ? client.mailbox.permanentFlags : undefined
    const isOneCommand = (add.length === 0) !== (remove.length === 0)
    if (!isOneCommand || ![...add, ...remove].every(flag => kept?.has(flag))) return false
    const changed = new Set(reported.changedUids)
    return uids.every(uid => changed.has(uid))
  }

  copy(target: WriteTarget, to: string): Promise<NewPlaces> {
    return this.#once(async () => {
      await this.#open(target)
      return target.uids.length === 0 ? undefined : this.#copied(target, to)
    })
  }

  move(target: WriteTarget, to: string): Promise<MovedMessages> {
    return this.#once(async () => {
      await this.#open(target)
      if (target.uids.length === 0) return { places: undefined, left: [], twice: [] }
      if (this.#has('MOVE')) {
        const places = await this.#moved(target, to)
        // MOVE usually reports every message; those that it does not were gone before.
        const untold = places ? target.uids.filter(uid => !places.uids.has(uid)) : []
        return { places, left: untold.length > 0 ? await this.#thereOf({ ...target, uids: untold }) : [], twice: [] }
      }
      const places = await this.#copied(target, to)
      // Only messages with a reported copy are removed.
      const copied = places ? { ...target, uids: target.uids.filter(uid => places.uids.has(uid)) } : target
      try {
        if (copied.uids.length > 0) await this.#markDeleted(copied)
        if (copied.uids.length > 0 && this.#has('UIDPLUS')) await this.#send('UID EXPUNGE', [setOf(copied)])
      } catch (error) {
        if (!isRefusal(error) && !(error instanceof MessagesVanished)) throw error
      }
      const left = await this.#thereOf(target)
      const kept = await this.#unmarked({ ...target, uids: copied.uids.filter(uid => left.includes(uid)) })
      return kept.length > 0 ? this.#takenBack(places, kept, { left, to }) : { places, left, twice: [] }
    })
  }

  expunge(target: WriteTarget): Promise<number[]> {
    return this.#once(async () => {
      await this.#open(target)
      if (!this.#has('UIDPLUS')) {
        // A plain EXPUNGE would also remove messages marked by other programs.
        const detail =
          'The mail server cannot permanently delete single messages: it does not support UIDPLUS (RFC 4315).'
        throw new Problem('mail_server_refused', detail, { part: 'imap' })
      }
      if (target.uids.length === 0) return []
      await this.#markDeleted(target)
      return this.#removed(target)
    })
  }

  append(
    path: string,
    message: Buffer,
    { flags = [], date }: { flags?: readonly string[]; date?: Date } = {},
  ): Promise<{ uidValidity: number; uid: number } | undefined> {
    return this.#once(async () => {
      refuseTooLarge(this.#options.client.capabilities.get('APPENDLIMIT'), message.length)
      const words = flags.map(value => ({ type: 'ATOM', value }))
      const when = date ? [{ type: 'STRING', value: internalDate(date) }] : []
      const literal = { type: 'LITERAL', value: message }
      const codes = await this.#send('APPEND', [this.#name(path), words, ...when, literal])
      const [name, ...values] = codes.at(-1) ?? []
      const [uidValidity, uid] = values.map(Number)
      return name === 'APPENDUID' && uidValidity && uid ? { uidValidity, uid } : undefined
    })
  }

  /** The server reports each copy (RFC 4315, section 3): when it reports none and no message exists, it made none. */
  async #copied(target: WriteTarget, to: string): Promise<NewPlaces> {
    const places = await this.#copy('UID COPY', target, to)
    if (places || !this.#has('UIDPLUS')) return places
    return (await this.#thereOf(target)).length === 0 ? nowhere : undefined
  }

  /** MOVE also reports each removed message (RFC 6851, section 3.3): without any report, no message existed. */
  async #moved(target: WriteTarget, to: string): Promise<NewPlaces> {
    const { client } = this.#options
    let hasLeft = false
    const note = () => {
      hasLeft = true
    }
    client.on('expunge', note)
    try {
      const places = await this.#copy('UID MOVE', target, to)
      return places ?? (hasLeft || !this.#has('UIDPLUS') ? undefined : nowhere)
    } finally {
      client.off('expunge', note)
    }
  }

  async #copy(command: 'UID COPY' | 'UID MOVE', target: WriteTarget, to: string): Promise<NewPlaces> {
    const codes = await this.#send(command, [setOf(target), this.#name(to)])
    const uids = new Map<number, number>()
    const wanted = new Set(target.uids)
    let validity = 0
    // A server may report copies in pieces, and repeat the last piece.
    for (const [name, uidValidity, from = '', into = ''] of codes) {
      const [before, after] = [from, into].map(set => orderedUids(set, target.uids.length))
      const isSound = before && after && before.length === after.length && before.every(uid => wanted.has(uid))
      const isSame = validity === 0 || validity === Number(uidValidity)
      if (name !== 'COPYUID' || !(Number(uidValidity) > 0) || !isSound || !isSame) return undefined
      validity = Number(uidValidity)
      for (const [index, uid] of before.entries()) uids.set(uid, after[index]!)
    }
    // A mapping with duplicate targets is invalid.
    if (uids.size === 0 || new Set(uids.values()).size < uids.size) return undefined
    return { uidValidity: validity, uids }
  }

  /** Removes copies: without the right to delete, servers refuse or (Courier's STORE) say OK and do nothing. */
  async #takenBack(
    places: NewPlaces,
    kept: readonly number[],
    { left, to }: { left: number[]; to: string },
  ): Promise<MovedMessages> {
    if (!places) return { places, left, twice: [...kept] }
    const { uidValidity, uids } = places
    const copyOf = (uid: number) => uids.get(uid) ?? 0
    const copies: WriteTarget = { path: to, uidValidity, uids: kept.map(copyOf) }
    const removed = new Set(await this.#removedCopies(copies))
    const twice = kept.filter(uid => !removed.has(copyOf(uid)))
    const moved = new Map([...uids].filter(([, copy]) => !removed.has(copy)))
    return { places: { uidValidity, uids: moved }, left, twice }
  }

  async #removedCopies(copies: WriteTarget): Promise<number[]> {
    try {
      await this.#open(copies)
      await this.#markDeleted(copies)
      return await this.#removed(copies)
    } catch (error) {
      if (isRefusal(error) || error instanceof Problem) return []
      throw error
    }
  }

  /** Expunges messages marked as deleted. */
  async #removed(target: WriteTarget): Promise<number[]> {
    try {
      await this.#send('UID EXPUNGE', [setOf(target)])
    } catch (error) {
      if (!isRefusal(error)) throw error
    }
    const there = new Set(await this.#thereOf(target))
    return target.uids.filter(uid => !there.has(uid))
  }

  /** Returns the UIDs that exist and are not marked as deleted. */
  async #unmarked({ uids }: Pick<WriteTarget, 'uids'>): Promise<number[]> {
    if (uids.length === 0) return []
    const standing = await readStanding(this.#options.client, rangesOfUids(uids), ['\\Deleted'])
    const marked = standing.having.get('\\Deleted') ?? []
    return uids.filter(uid => holdsUid(standing.there, uid) && !holdsUid(marked, uid))
  }

  #markDeleted(target: WriteTarget): Promise<void> {
    return this.#store(target, '+', ['\\Deleted'])
  }

  /** Retries without messages that were expunged meanwhile, which fail the whole command; STORE is idempotent. */
  async #store(target: WriteTarget, sign: '+' | '-', flags: readonly string[]): Promise<void> {
    const words = flags.map(value => ({ type: 'ATOM', value }))
    const send = (uids: readonly number[]) =>
      this.#send('UID STORE', [setOf({ ...target, uids }), atom(`${sign}FLAGS.SILENT`), words])
    try {
      await send(target.uids)
    } catch (error) {
      if (!(error instanceof MessagesVanished)) throw error
      const there = await this.#thereOf(target)
      if (there.length > 0) await send(there)
    }
  }

  /** Opens the folder for the command that follows. */
  async #open({ path, uidValidity, uids, sent }: WriteTarget): Promise<void> {
    if (uids.length > mostUids) throw new RangeError(`${uids.length} messages are too many for one command`)
    const opened = await this.#options.folder.openForWriting(path)
    if (opened.uidValidity !== uidValidity) {
      throw new Problem('stale_ref', 'The folder was recreated on the mail server; list it again for new references.')
    }
    // By the next turn of the event loop, the command was sent.
    if (sent) setImmediate(sent)
  }

  async #thereOf(target: WriteTarget): Promise<number[]> {
    const found = await this.#options.client.search({ uid: setOf(target).value }, { uid: true })
    const wanted = new Set(target.uids)
    return (found || []).filter(uid => wanted.delete(uid))
  }

  #has(capability: 'MOVE' | 'UIDPLUS'): boolean {
    const { capabilities, enabled } = this.#options.client
    return capabilities.has(capability) || enabled.has('IMAP4REV2')
  }

  #name(path: string) {
    return { type: 'STRING', value: wireName(this.#options.client, path) }
  }

  /** @returns The fields of each response code with UIDs, wherever the server puts it (RFC 6851, section 4.3). */
  async #send(command: string, attributes: unknown[]): Promise<string[][]> {
    const client = this.#options.client as unknown as Inside
    const codes: string[][] = []
    const note = (response: Response) => {
      const words = (response.attributes?.[0]?.section ?? []).map(({ value }) => String(value))
      if (/^(COPYUID|APPENDUID)$/.test(words[0] ?? '')) codes.push(words)
    }
    this.#isSent = true
    try {
      const answer = await client.exec(command, attributes, { untagged: { OK: async (said: Response) => note(said) } })
      const response: Response = answer.response
      note(response)
      answer.next()
      // ImapFlow treats Dovecot's wording as an OK.
      if (/^NO$/i.test(response.command ?? '')) throw new MessagesVanished(wordsOf(response))
    } catch (error) {
      // A reported UID proves that the change was made.
      if ((isRefusal(error) || error instanceof MessagesVanished) && codes.length === 0) this.#isSent = false
      throw marked(error, command)
    }
    this.#isSent = false
    this.#hasDone = true
    return codes
  }

  /** Throws `UnknownOutcome` if the work fails while a command is in flight or after one has succeeded. */
  async #once<T>(work: () => Promise<T>): Promise<T> {
    this.#isSent = false
    this.#hasDone = false
    try {
      return await this.#options.command(work)
    } catch (error) {
      if (this.#isSent || this.#hasDone) throw new UnknownOutcome(error)
      throw error
    }
  }
}

/** The result when all messages were gone before. */
const nowhere: NewPlaces = { uidValidity: 0, uids: new Map() }

function checkFlag(flag: string): void {
  if (!flagWord.test(flag)) throw new Problem('bad_request', `${JSON.stringify(flag)} is not a valid flag.`)
}

function noneHas(flag: string): [string, readonly UidRange[]] {
  return [flag, []]
}

function setOf({ uids }: WriteTarget) {
  return { type: 'SEQUENCE', value: writeUidSet(rangesOfUids(uids)) }
}

function atom(value: string) {
  return { type: 'ATOM', value }
}

function marked(error: unknown, command: string): unknown {
  if (!(error instanceof Error)) return error
  const { response, responseText = '' } = error as { response?: Response; responseText?: string }
  const code = String(response?.attributes?.[0]?.section?.[0]?.value ?? '').toUpperCase()
  if (code === 'EXPUNGEISSUED' && isRefusal(error)) return new MessagesVanished(responseText)
  if (!/^(APPEND|UID COPY|UID MOVE)$/.test(command)) return error
  return indicatesFull(code, responseText)
    ? Object.assign(error, { isMailboxFull: true, serverResponseCode: code })
    : error
}

function wordsOf({ attributes = [] }: Response): string {
  return attributes.flatMap(({ value }) => (typeof value === 'string' ? [value] : [])).join(' ')
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'responseStatus' in error && /^(NO|BAD)$/.test(String(error.responseStatus))
}

/** RFC 9051, section 9: `date-time`. */
function internalDate(date: Date): string {
  const [, day, month, year, time] = /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(date.toUTCString()) ?? []
  return `${day}-${month}-${year} ${time} +0000`
}
