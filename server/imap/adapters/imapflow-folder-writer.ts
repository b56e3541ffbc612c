/** Changes folders, sending each command once. Updating subscriptions afterwards is best-effort. */
import type { FolderRole } from '../../../contract/mail.ts'
import type { FolderWriter } from '../gateway-capabilities.ts'
import type { CapabilityOptions } from './imapflow-content.ts'
import { wireName } from './imapflow-names.ts'

type Send = (command: string, attributes: unknown[]) => Promise<unknown>

/** Special-use attributes (RFC 6154) by role. */
const uses: Partial<Record<FolderRole, string>> = {
  archive: '\\Archive',
  drafts: '\\Drafts',
  junk: '\\Junk',
  sent: '\\Sent',
  trash: '\\Trash',
}

export class ImapFlowFolderWriter implements FolderWriter {
  readonly #options: CapabilityOptions
  readonly #send: Send
  readonly #once: <T>(work: () => Promise<T>) => Promise<T>

  constructor(options: CapabilityOptions, send: Send, once: <T>(work: () => Promise<T>) => Promise<T>) {
    this.#options = options
    this.#send = send
    this.#once = once
  }

  createFolder(path: string, role?: FolderRole): Promise<void> {
    return this.#once(async () => {
      const use = role && uses[role]
      const hasUse = use !== undefined && this.#options.client.capabilities.has('CREATE-SPECIAL-USE')
      const words = hasUse ? [[atom('USE'), [atom(use)]]] : []
      await this.#send('CREATE', [this.#name(path), ...words])
      await this.#try('SUBSCRIBE', path)
    })
  }

  renameFolder(path: string, to: string): Promise<void> {
    return this.#once(async () => {
      await this.#close()
      await this.#send('RENAME', [this.#name(path), this.#name(to)])
      await this.#try('SUBSCRIBE', to)
      await this.#try('UNSUBSCRIBE', path)
    })
  }

  deleteFolder(path: string): Promise<void> {
    return this.#once(async () => {
      await this.#close()
      await this.#send('DELETE', [this.#name(path)])
      await this.#try('UNSUBSCRIBE', path)
    })
  }

  setSubscribed(path: string, isSubscribed: boolean): Promise<void> {
    return this.#once(async () => {
      await this.#send(isSubscribed ? 'SUBSCRIBE' : 'UNSUBSCRIBE', [this.#name(path)])
    })
  }

  async #try(command: string, path: string): Promise<void> {
    try {
      await this.#send(command, [this.#name(path)])
    } catch (error) {
      if (!this.#options.client.usable) throw error
    }
  }

  /** Unselects first: the open folder may be the one changed, and some servers close connections that have it open. */
  async #close(): Promise<void> {
    const { client } = this.#options
    if (client.mailbox) await client.mailboxClose()
  }

  #name(path: string) {
    return { type: 'STRING', value: wireName(this.#options.client, path) }
  }
}

function atom(value: string) {
  return { type: 'ATOM', value }
}
