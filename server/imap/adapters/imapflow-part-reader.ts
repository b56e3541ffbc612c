/** Reads parts of messages with ImapFlow, a piece in each command. */
import type { ImapFlow } from 'imapflow'
import type { PartReader, PartToRead } from '../gateway-capabilities.ts'
import { describePart } from './imapflow-content.ts'
import type { KeptFolder } from './imapflow-kept-folder.ts'
import { fetchPiece } from './imapflow-parts.ts'

/** What the capabilities of one connection share. */
export interface CapabilityOptions {
  client: ImapFlow
  folder: KeptFolder
  /** Within the time of a command; translates what goes wrong. */
  command<T>(work: () => Promise<T>): Promise<T>
}

export class ImapFlowParts implements PartReader {
  readonly #options: CapabilityOptions

  constructor(options: CapabilityOptions) {
    this.#options = options
  }

  describe(path: string, uid: number, partId: string): Promise<{ uidValidity: number; part: PartToRead | undefined }> {
    const { client, folder, command } = this.#options
    return command(async () => {
      const { uidValidity } = await folder.open(path)
      return { uidValidity, part: await describePart(client, uid, partId) }
    })
  }

  read(
    path: string,
    uid: number,
    { section, start, length }: { section: string; start: number; length: number },
  ): Promise<{ uidValidity: number; bytes: Buffer | undefined }> {
    const { client, folder, command } = this.#options
    return command(async () => {
      const { uidValidity } = await folder.open(path)
      return { uidValidity, bytes: await fetchPiece(client, uid, section, start, length) }
    })
  }
}
