/**
 * Keeps a connection's folder selected between requests, since opening a large one costs the server a hundred times a
 * NOOP. Other programs are not affected: it is opened read-only.
 */
import type { ImapFlow, MailboxObject } from 'imapflow'
import { type OpenFolder, openFolder } from './imapflow-folder.ts'

/** The method that runs all of ImapFlow's commands, which its types do not declare. */
interface Executing {
  exec(command: string, attributes: unknown, options?: unknown): Promise<{ next(): void }>
}

/** A folder opened ahead of a change. */
interface Prepared {
  readonly path: string
  /** Resolves undefined when opening failed; the change finds out why. Never rejects. */
  readonly opening: Promise<{ opened: OpenFolder; mailbox: MailboxObject } | undefined>
  openedAt: number | undefined
}

interface Kept {
  readonly path: string
  readonly mailbox: MailboxObject
  readonly opened: OpenFolder
  readonly openedAt: number
  /** Messages arrived or vanished since, so `uidNext` of the opening is stale. */
  hasChanged: boolean
}

export interface KeepingTimes {
  /** Age up to which a folder opened ahead of a change is used without NOOP: most responses take longer to arrive. */
  justOpenedMs: number
  /** Maximum age of a folder opened ahead of a change; an older one is reopened for it. */
  preparedMs: number
  /** Maximum age of a view despite NOOP, since some servers do not report all changes. 0: reopened for each request. */
  provedMs: number
  /** Maximum age on a server whose NOOP has not yet reported any change on this connection. */
  unprovedMs: number
  now(): number
}

export const keepingTimes: KeepingTimes = {
  ...{ justOpenedMs: 10, preparedMs: 50, provedMs: 30_000, unprovedMs: 5_000 },
  now: () => performance.now(),
}

/** Reopenings in sequence that may reveal changes missed by NOOP; one may be mail that arrived in between. */
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

  /** The selected folder, by which connections are chosen. */
  get path(): string | undefined {
    return this.#current?.path
  }

  /** The folder that is open, or being opened, for a change. */
  get preparedPath(): string | undefined {
    return this.#prepared?.path
  }

  /** Opens a folder read-only, with the server's current state. */
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
    // Dovecot reports a deleted and recreated folder as an untagged NO on a stale view; Cyrus reports only that the
    // folder was emptied.
    const isEmptied = kept.hasChanged && kept.mailbox.exists === 0
    if (!isSound || isEmptied || this.#current !== kept) return this.#examine(path)
    const { provedMs, unprovedMs, now } = this.#times
    const isOld = now() - kept.openedAt >= (this.#isProved ? provedMs : unprovedMs)
    return isOld ? this.#examineAgain(kept) : viewOf(kept)
  }

  /** Returns the last known state if the folder is still open; sufficient for immutable data. */
  whileOpen(path: string): Pick<OpenFolder, 'uidValidity'> | undefined {
    const kept = this.#current
    return kept?.path === path && this.#times.provedMs > 0 ? kept.opened : undefined
  }

  /** Reopens the folder unconditionally, so that its state is current. */
  async openAgain(path: string): Promise<OpenFolder> {
    await this.#dropPrepared()
    return this.#examine(path)
  }

  /** Opens a folder read-only ahead of an `openReadied`. */
  async ready(path: string): Promise<void> {
    await this.openAgain(path)
    this.#readied = this.#current
  }

  /** Returns the folder that `ready` opened a moment ago, once; else opens it again. */
  async openReadied(path: string): Promise<OpenFolder> {
    const readied = this.#readied
    this.#readied = undefined
    const { preparedMs, now } = this.#times
    const isFresh = readied?.path === path && !readied.hasChanged && now() - readied.openedAt <= preparedMs
    return isFresh && this.#current === readied ? viewOf(readied) : this.openAgain(path)
  }

  /** Opens a folder ahead of a change, unless another command comes first. */
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

  /** Opens a folder for one change; the next request reopens it read-only. */
  async openForWriting(path: string): Promise<OpenFolder> {
    const opened = await this.#takePrepared(path)
    this.#kept = undefined
    return opened ?? openFolder(this.#client, path, false)
  }

  /** The folder may have been deleted and recreated meanwhile: the server reports that before the change is sent. */
  async #takePrepared(path: string): Promise<OpenFolder | undefined> {
    const { openedAt, path: preparedPath } = this.#prepared ?? {}
    const open = await this.#dropPrepared()
    const isOpen = () => this.#client.mailbox === open?.mailbox
    if (!open || preparedPath !== path || !isOpen()) return undefined
    const { justOpenedMs, preparedMs, now } = this.#times
    const age = openedAt === undefined ? 0 : now() - openedAt
    if (age <= justOpenedMs) return open.opened
    const isSound = age <= preparedMs && (await this.#noop()) && isOpen()
    return isSound ? open.opened : undefined
  }

  /** Waits for a folder being opened, since no other command may run before that. */
  async #dropPrepared() {
    const prepared = this.#prepared
    this.#prepared = undefined
    return prepared?.opening
  }

  /**
   * Detects STATUS of the selected folder: ImapFlow adopts its counts although the server reports the change again
   * later, so that an EXPUNGE would be counted twice and pages would shift.
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

  /** ImapFlow clears its mailbox when the connection or the folder is lost. */
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

  /** Reopens a folder after NOOP. A difference is mail that arrived in between, or a change NOOP did not report. */
  async #examineAgain(kept: Kept): Promise<OpenFolder> {
    const before = viewOf(kept)
    const after = await this.#examine(kept.path)
    const isMissed = after.uidValidity !== before.uidValidity || after.exists !== before.exists
    this.#missed = isMissed ? this.#missed + 1 : 0
    return after
  }

  /** @returns False when the server refused NOOP or sent a warning. */
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

/** UIDVALIDITY is constant while a folder is open (RFC 9051, section 2.3.1.1). */
function viewOf({ opened, mailbox, hasChanged }: Kept): OpenFolder {
  const { uidValidity, uidNext } = opened
  return { exists: mailbox.exists, uidValidity, uidNext: hasChanged ? undefined : uidNext }
}
