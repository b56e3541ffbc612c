/** Capabilities of the in-memory server's connections: those of a server with CONDSTORE, MOVE and UIDPLUS. */
import type { Flag, Folder } from '../../../contract/mail.ts'
import { Problem } from '../../platform/problem.ts'
import {
  type ChangedMessage,
  type ChangeReader,
  type FetchedTexts,
  type FlagStanding,
  type FolderChanges,
  type FolderStanding,
  type IndexHeader,
  type KnownFolder,
  type MessageWriter,
  type MovedMessages,
  type NewPlaces,
  type PartReader,
  type PartToRead,
  UnknownOutcome,
  type WriteTarget,
  wholeMessage,
} from '../gateway-capabilities.ts'
import { holdsUid, rangesOfUids, type UidRange, withoutUids } from '../uid-ranges.ts'
import { type Delivery, type MemoryFolder, type MemoryMessage, partOf, rawOf } from './memory-message.ts'

interface MemoryServer {
  readonly folders: Map<string, MemoryFolder>
  readonly unsaid: ReadonlySet<string>
  addFolder(path: string, role: Folder['role']): MemoryFolder
  renameFolder(path: string, to: string): void
  getFolder(path: string): MemoryFolder
  /** Returns the UID. */
  deliver(delivery: Delivery, path: string): number
}

/** Awaited before each command; throws when the connection is closed. */
type Step = (name: string, folder?: string) => Promise<void>

class MemoryCapability {
  protected readonly gateway: MemoryServer
  protected readonly step: Step

  constructor(gateway: MemoryServer, step: Step) {
    this.gateway = gateway
    this.step = step
  }

  protected messageOf(path: string, uid: number): { uidValidity: number; message: MemoryMessage | undefined } {
    const { uidValidity, messages } = this.gateway.getFolder(path)
    return { uidValidity, message: messages.find(candidate => candidate.uid === uid) }
  }
}

export class MemoryParts extends MemoryCapability implements PartReader {
  async describe(
    path: string,
    uid: number,
    partId: string,
  ): Promise<{ uidValidity: number; part: PartToRead | undefined }> {
    const { uidValidity, parts } = await this.describeAll(path, uid, [partId])
    return { uidValidity, part: parts[0] }
  }

  async describeAll(
    path: string,
    uid: number,
    partIds: readonly string[],
  ): Promise<{ uidValidity: number; parts: (PartToRead | undefined)[] }> {
    await this.step('getPart')
    const { uidValidity, message } = this.messageOf(path, uid)
    const parts = partIds.map(partId => {
      const bytes = message && Object.hasOwn(message.parts, partId) ? message.parts[partId] : undefined
      if (!message || !bytes) return undefined
      const { name, type } = partOf(message, partId)
      return { name, type, encoding: 'binary', sizeBytes: bytes.length, section: partId }
    })
    return { uidValidity, parts }
  }

  async describeWhole(path: string, uid: number): Promise<{ uidValidity: number; part: PartToRead | undefined }> {
    await this.step('getPart')
    const { uidValidity, message } = this.messageOf(path, uid)
    if (!message) return { uidValidity, part: undefined }
    const sizeBytes = rawOf(message).length
    const name = message.subject || null
    return { uidValidity, part: { name, type: 'message/rfc822', encoding: 'binary', sizeBytes, section: wholeMessage } }
  }

  async read(
    path: string,
    uid: number,
    { section, start, length }: { section: string; start: number; length: number },
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }> {
    await this.step('readPiece')
    const { uidValidity, message } = this.messageOf(path, uid)
    const whole = section === wholeMessage ? message && rawOf(message) : message?.parts[section]
    return { uidValidity, bytes: whole?.subarray(start, start + length) }
  }
}

export class MemoryChanges extends MemoryCapability implements ChangeReader {
  async changesSince(path: string, known: KnownFolder): Promise<FolderChanges> {
    await this.step('changesSince', path)
    const { uidValidity, modseq, messages, changedAt } = this.gateway.getFolder(path)
    const now = { uidValidity, modseq, changed: [], vanished: [] }
    if (uidValidity !== known.uidValidity) return now
    const { modseq: since = 0n } = known
    const changed = messages
      .filter(({ uid }) => holdsUid(known.uids, uid) && (changedAt.get(uid) ?? 0n) > since)
      .map(message => ({ uid: message.uid, flags: wireFlags(message) }))
    return { ...now, changed, vanished: withoutUids(known.uids, rangesOfUids(messages.map(({ uid }) => uid))) }
  }

  async ready(): Promise<void> {}

  async flagStanding(path: string, uids: readonly UidRange[], flags: readonly string[]) {
    await this.step('changesSince', path)
    const folder = this.gateway.getFolder(path)
    return { uidValidity: folder.uidValidity, ...standingOf(folder, uids, flags) }
  }

  async listStandings(): Promise<FolderStanding[]> {
    await this.step('listStandings')
    return [...this.gateway.folders.values()].map(({ path, role, uidValidity, uidNext, modseq, messages }) => ({
      path,
      role,
      isSelectable: true,
      status: this.gateway.unsaid.has(path) ? undefined : { uidValidity, uidNext, modseq, total: messages.length },
    }))
  }

  async listTexts(
    path: string,
    uids: readonly number[],
    maxBytes: number,
  ): Promise<FetchedTexts & { uidValidity: number }> {
    await this.step('listTexts', path)
    const { uidValidity, messages } = this.gateway.getFolder(path)
    const plain = { charset: 'utf-8', isFlowed: false, deletesSpace: false, encoding: '8bit' }
    const texts = messages
      .filter(({ uid }) => uids.includes(uid))
      .map(({ uid, text, html }) => {
        const body = text ?? html
        const type = text === null ? 'text/html' : 'text/plain'
        const bytes = Buffer.from(body ?? '').subarray(0, maxBytes)
        return { uid, parts: body === null ? [] : [{ ...plain, type, bytes }] }
      })
    return { uidValidity, texts, memory: [] }
  }

  async headersOf(path: string, uids: readonly number[]): Promise<{ uidValidity: number; headers: IndexHeader[] }> {
    await this.step('headersOf', path)
    const { uidValidity, messages } = this.gateway.getFolder(path)
    const meant = messages.filter(({ uid }) => uids.includes(uid))
    return { uidValidity, headers: meant.toReversed().map(toIndexHeaderOf) }
  }

  async listHeaders(
    path: string,
    [first, last]: UidRange,
    limit: number,
    end: 'newest' | 'oldest' = 'newest',
  ): Promise<{ uidValidity: number; headers: IndexHeader[]; hasMore: boolean }> {
    await this.step('listHeaders', path)
    const { uidValidity, messages } = this.gateway.getFolder(path)
    const all = messages.filter(({ uid }) => uid >= first && uid <= last)
    const meant = end === 'newest' ? all.slice(-limit) : all.slice(0, limit)
    const headers = meant.toReversed().map(toIndexHeaderOf)
    return { uidValidity, headers, hasMore: all.length > meant.length }
  }
}

function toIndexHeaderOf(message: MemoryMessage): IndexHeader {
  const { references = [], emailId = null, attachments } = message
  const attachmentNames = attachments.map(({ name }) => name).filter(name => name !== null)
  return { ...message, emailId, references, attachmentNames }
}

export class MemoryWriter extends MemoryCapability implements MessageWriter {
  prepare(): void {
    // No-op, since each command looks up its folder.
  }

  async setFlags(target: WriteTarget, change: 'add' | 'remove', flags: readonly string[]): Promise<ChangedMessage[]> {
    await this.step('setFlags', target.path)
    const folder = this.#folderOf(target)
    if (flags.length === 0) return []
    const changed = chosen(folder, target).map(message => {
      const before = wireFlags(message).filter(flag => !flags.includes(flag))
      const after = change === 'add' ? [...before, ...flags] : before
      message.flags = after.filter(flag => flag.startsWith('\\')).map(flag => flag.slice(1).toLowerCase() as Flag)
      message.keywords = after.filter(flag => !flag.startsWith('\\'))
      folder.changedAt.set(message.uid, ++folder.modseq)
      return { uid: message.uid, flags: wireFlags(message) }
    })
    return this.#answered('setFlags', changed)
  }

  async changeFlags(
    target: WriteTarget,
    { add, remove }: { add: readonly string[]; remove: readonly string[] },
  ): Promise<FlagStanding> {
    if (add.length > 0) await this.setFlags(target, 'add', add)
    try {
      if (remove.length > 0) await this.setFlags(target, 'remove', remove)
    } catch (error) {
      throw add.length > 0 && !(error instanceof UnknownOutcome) ? new UnknownOutcome(error) : error
    }
    return standingOf(this.#folderOf(target), rangesOfUids(target.uids), [...add, ...remove])
  }

  async createFolder(path: string, role: Folder['role'] = null): Promise<void> {
    await this.step('createFolder', path)
    this.gateway.addFolder(path, role)
    return this.#answered('createFolder', undefined)
  }

  async renameFolder(path: string, to: string): Promise<void> {
    await this.step('renameFolder', path)
    this.gateway.renameFolder(path, to)
    return this.#answered('renameFolder', undefined)
  }

  async deleteFolder(path: string): Promise<void> {
    await this.step('deleteFolder', path)
    this.gateway.getFolder(path)
    this.gateway.folders.delete(path)
    return this.#answered('deleteFolder', undefined)
  }

  async setSubscribed(path: string, isSubscribed: boolean): Promise<void> {
    await this.step('setSubscribed', path)
    this.gateway.getFolder(path).isSubscribed = isSubscribed
    return this.#answered('setSubscribed', undefined)
  }

  async copy(target: WriteTarget, to: string): Promise<NewPlaces> {
    await this.step('copy', target.path)
    return this.#answered('copy', this.#copy(this.#folderOf(target), target, to))
  }

  async move(target: WriteTarget, to: string): Promise<MovedMessages> {
    await this.step('move', target.path)
    const folder = this.#folderOf(target)
    const places = this.#copy(folder, target, to)
    remove(folder, target)
    return this.#answered('move', { places, left: [], twice: [] })
  }

  async expunge(target: WriteTarget): Promise<number[]> {
    await this.step('expunge', target.path)
    remove(this.#folderOf(target), target)
    return this.#answered('expunge', [...target.uids])
  }

  async append(
    path: string,
    message: Buffer,
    { flags = [], date = new Date() }: { flags?: readonly string[]; date?: Date } = {},
  ): Promise<{ uidValidity: number; uid: number }> {
    await this.step('append', path)
    const { uidValidity } = this.gateway.getFolder(path)
    const subject = /^subject: *(.*)$/im.exec(message.toString())?.[1] ?? ''
    const messageId = /^message-id:\s*(<[^>\r\n]*>)/im.exec(message.toString())?.[1]
    const words = flags.map(flag => flag.slice(1).toLowerCase() as Flag)
    const uid = this.gateway.deliver(
      { subject, ...(messageId && { messageId }), flags: words, date: date.toISOString(), sizeBytes: message.length },
      path,
    )
    return this.#answered('append', { uidValidity, uid })
  }

  #folderOf({ path, uidValidity, sent }: WriteTarget): MemoryFolder {
    const folder = this.gateway.getFolder(path)
    if (folder.uidValidity !== uidValidity) throw new Problem('stale_ref', 'The folder was recreated.')
    sent?.()
    return folder
  }

  #copy(folder: MemoryFolder, target: WriteTarget, to: string): NewPlaces {
    const { uidValidity } = this.gateway.getFolder(to)
    const uids = chosen(folder, target).map(message => [message.uid, this.gateway.deliver(message, to)] as const)
    return target.uids.length === 0 ? undefined : { uidValidity, uids: new Map(uids) }
  }

  /** Fails with `UnknownOutcome`, since the change persists even when its response is lost. */
  async #answered<T>(step: string, result: T): Promise<T> {
    try {
      await this.step(`${step} answered`)
    } catch (error) {
      throw new UnknownOutcome(error)
    }
    return result
  }
}

function standingOf({ messages }: MemoryFolder, uids: readonly UidRange[], flags: readonly string[]): FlagStanding {
  const there = messages.filter(({ uid }) => holdsUid(uids, uid))
  const having = flags.map(flag => {
    const lower = flag.toLowerCase()
    const those = there.filter(message => wireFlags(message).some(each => each.toLowerCase() === lower))
    return [flag, rangesOfUids(those.map(({ uid }) => uid))] as const
  })
  return { there: rangesOfUids(there.map(({ uid }) => uid)), having: new Map(having) }
}

function chosen({ messages }: MemoryFolder, { uids }: WriteTarget): MemoryMessage[] {
  return messages.filter(({ uid }) => uids.includes(uid))
}

function remove(folder: MemoryFolder, { uids }: WriteTarget): void {
  folder.messages = folder.messages.filter(({ uid }) => !uids.includes(uid))
  folder.modseq++
}

function wireFlags({ flags, keywords }: MemoryMessage): string[] {
  return [...flags.map(flag => `\\${flag[0]!.toUpperCase()}${flag.slice(1)}`), ...keywords]
}
