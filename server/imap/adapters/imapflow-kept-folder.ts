/**
 * Keeps the folder of a connection open between requests: opening a large one costs the server a hundred times what NOOP does. Other
 * programs notice nothing of it: the folder is open read-only, as it was before.
 */
import type { ImapFlow, MailboxObject } from 'imapflow'
import { type OpenFolder, openFolder } from './imapflow-folder.ts'

/** What every command of ImapFlow goes through; its types do not show it. */
interface Executing {
  exec(command: string, attributes: unknown, options?: unknown): Promise<{ next(): void }>
}

/** A folder that is about to be changed. */
interface Prepared {
  readonly path: string
  /** Undefined where it could not be opened: why not, the change finds out. Never rejects. */
  readonly opening: Promise<{ opened: OpenFolder; mailbox: MailboxObject } | undefined>
  openedAt: number | undefined
}

interface Kept {
  readonly path: string
  readonly mailbox: MailboxObject
  readonly opened: OpenFolder
  readonly openedAt: number
  /** Messages came or went since: `uidNext` of the opening says nothing more. */
  hasChanged: boolean
}

export interface KeepingTimes {
  /** A folder that was opened for a change so long ago is opened again for it. */
  preparedMs: number
  /** A view is opened again when it is so old, whatever NOOP says: not every server tells all news. 0: it is opened for each request. */
  provedMs: number
  /** The same for a server whose NOOP has not told any news yet on this connection. */
  unprovedMs: number
  now(): number
}

export const keepingTimes: KeepingTimes = {
  ...{ preparedMs: 50, provedMs: 30_000, unprovedMs: 5_000 },
  now: () => performance.now(),
}

/** So often a view that was opened again may show what NOOP had not told. Once may be mail that came in between. */
const mostMissed = 2

export class KeptFolder {
  readonly #client: ImapFlow & Executing
  readonly #times: KeepingTimes
  #kept: Kept | undefined
  #prepared: Prepared | undefined
  /** Opened for a look that is about to come. */
  #readied: Kept | undefined
  #isProved = false
  #missed = 0

  constructor(client: ImapFlow, times: KeepingTimes = keepingTimes) {
    this.#client = client as ImapFlow & Executing
    this.#times = times
    for (const event of ['exists', 'expunge'] as const) {
      client.on(event, () => {
        if (this.#kept) this.#kept.hasChanged = true
      })
    }
    this.#watchStatus()
  }

  /** The folder that is open, by which connections are chosen. */
  get path(): string | undefined {
    return this.#current?.path
  }

  /** The one that is open, or being opened, for a change. */
  get preparedPath(): string | undefined {
    return this.#prepared?.path
  }

  /** With all that the server knows by now. Opened read-only. */
  async open(path: string): Promise<OpenFolder> {
    await this.#dropPrepared()
    const kept = this.#current
    const isKept = kept?.path === path && this.#missed < mostMissed && this.#times.provedMs > 0
    if (!isKept) return this.#examine(path)
    const hadChanged = kept.hasChanged
    kept.hasChanged = false
    const isSound = await this.#noop()
    if (kept.hasChanged) this.#isProved = true
    kept.hasChanged ||= hadChanged
    // A folder that was deleted, and one of its name made again, is told by Dovecot as an untagged NO: the view is a dead one's.
    // Cyrus tells it as if the folder had been emptied, and of the new one nothing.
    const isEmptied = kept.hasChanged && kept.mailbox.exists === 0
    if (!isSound || isEmptied || this.#current !== kept) return this.#examine(path)
    const { provedMs, unprovedMs, now } = this.#times
    const isOld = now() - kept.openedAt >= (this.#isProved ? provedMs : unprovedMs)
    return isOld ? this.#examineAgain(kept) : viewOf(kept)
  }

  /** As it was looked at last, where it is open still: enough for what never changes. */
  whileOpen(path: string): Pick<OpenFolder, 'uidValidity'> | undefined {
    const kept = this.#current
    return kept?.path === path && this.#times.provedMs > 0 ? kept.opened : undefined
  }

  /** Opened now, whatever is open: what the opening says is of this moment. */
  async openAgain(path: string): Promise<OpenFolder> {
    await this.#dropPrepared()
    return this.#examine(path)
  }

  /** For `openReadied`, which is about to come. */
  async ready(path: string): Promise<void> {
    await this.openAgain(path)
    this.#readied = this.#current
  }

  /** As `openAgain`, but for what was opened for it a moment ago, once. */
  async openReadied(path: string): Promise<OpenFolder> {
    const readied = this.#readied
    this.#readied = undefined
    const { preparedMs, now } = this.#times
    const isFresh = readied?.path === path && !readied.hasChanged && now() - readied.openedAt <= preparedMs
    return isFresh && this.#current === readied ? viewOf(readied) : this.openAgain(path)
  }

  /** For a change that is about to come: its folder is open by then, unless something else is asked first. */
  prepareWriting(path: string): void {
    this.#kept = undefined
    const opening = openFolder(this.#client, path, false)
      .then(opened => {
        prepared.openedAt = this.#times.now()
        const { mailbox } = this.#client
        return mailbox ? { opened, mailbox } : undefined
      })
      .catch(() => undefined)
    const prepared: Prepared = { path, opening, openedAt: undefined }
    this.#prepared = prepared
  }

  /** For one change; whatever is asked next opens it read-only again. */
  async openForWriting(path: string): Promise<OpenFolder> {
    const opened = await this.#takePrepared(path)
    this.#kept = undefined
    return opened ?? openFolder(this.#client, path, false)
  }

  /** Since it was opened, it may have been deleted, and one of its name made: the server says so before the change is sent. */
  async #takePrepared(path: string): Promise<OpenFolder | undefined> {
    const { openedAt, path: preparedPath } = this.#prepared ?? {}
    const open = await this.#dropPrepared()
    const isOpen = () => this.#client.mailbox === open?.mailbox
    if (!open || preparedPath !== path || !isOpen()) return undefined
    // The answer has just come.
    if (openedAt === undefined) return open.opened
    const isSound = this.#times.now() - openedAt <= this.#times.preparedMs && (await this.#noop()) && isOpen()
    return isSound ? open.opened : undefined
  }

  /** Nothing is asked of another folder before it is open. */
  async #dropPrepared() {
    const prepared = this.#prepared
    this.#prepared = undefined
    return prepared?.opening
  }

  /**
   * What STATUS answers of the open folder, ImapFlow takes for what it holds. The server has not told it of the open folder, and tells
   * it later: then an EXPUNGE would be counted twice, and a page would be of other messages.
   */
  #watchStatus(): void {
    const exec = this.#client.exec.bind(this.#client)
    this.#client.exec = async (command, attributes, options) => {
      if (command !== 'STATUS') return exec(command, attributes, options)
      const kept = this.#current
      const before = kept?.mailbox.exists
      const answer = await exec(command, attributes, options)
      if (kept && kept.mailbox.exists !== before && this.#kept === kept) this.#kept = undefined
      return answer
    }
  }

  /** ImapFlow drops its mailbox when the connection or the folder is lost. */
  get #current(): Kept | undefined {
    return this.#kept && this.#client.mailbox === this.#kept.mailbox ? this.#kept : undefined
  }

  async #examine(path: string): Promise<OpenFolder> {
    this.#kept = undefined
    const opened = await openFolder(this.#client, path)
    const { mailbox } = this.#client
    if (mailbox) this.#kept = { path, mailbox, opened, openedAt: this.#times.now(), hasChanged: false }
    return opened
  }

  /** After NOOP nothing can be new, except what came in between, and what this server does not tell. */
  async #examineAgain(kept: Kept): Promise<OpenFolder> {
    const before = viewOf(kept)
    const after = await this.#examine(kept.path)
    const isMissed = after.uidValidity !== before.uidValidity || after.exists !== before.exists
    this.#missed = isMissed ? this.#missed + 1 : 0
    return after
  }

  /** @returns False when the server refused it, or complained. */
  async #noop(): Promise<boolean> {
    let isSound = true
    const complain = async () => {
      isSound = false
    }
    try {
      const answer = await this.#client.exec('NOOP', false, { untagged: { NO: complain, BAD: complain } })
      answer.next()
    } catch (error) {
      if (!this.#client.usable) throw error
      return false
    }
    return isSound
  }
}

/** UIDVALIDITY holds as long as a folder is open (RFC 9051, section 2.3.1.1). */
function viewOf({ opened, mailbox, hasChanged }: Kept): OpenFolder {
  const { uidValidity, uidNext } = opened
  return { exists: mailbox.exists, uidValidity, uidNext: hasChanged ? undefined : uidNext }
}
