/**
 * Takes VANISHED (RFC 7162, section 3.2.10), which a server with QRESYNC says in place of EXPUNGE, as ranges. ImapFlow would report each UID
 * of it: `1:4294967295`, a line of 26 bytes, held up the whole server for seconds.
 */
import type { ImapFlow, MailboxObject } from 'imapflow'
import { countUids, readUidSet, type UidRange } from '../uid-ranges.ts'

interface Untagged {
  attributes?: (Attribute | Attribute[])[]
}

interface Attribute {
  value?: unknown
}

export class VanishedUids {
  /** Told as having gone earlier, while somebody asks for that. */
  #earlier: UidRange[] = []

  constructor(client: ImapFlow) {
    const inside = client as unknown as { untaggedVanished(untagged: Untagged): Promise<void> }
    inside.untaggedVanished = async ({ attributes = [] }) => {
      const last = attributes.at(-1)
      const set = last && !Array.isArray(last) ? last.value : undefined
      const { mailbox } = client
      // Without QRESYNC nobody asked for it.
      if (typeof set !== 'string' || !mailbox || !client.enabled.has('QRESYNC')) return
      if (Array.isArray(attributes[0])) this.#earlier.push(...readUidSet(set))
      else forget(client, mailbox, readUidSet(set))
    }
  }

  /** What a command tells of. */
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
