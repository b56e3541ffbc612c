/**
 * `audit.head` in the data directory: how far the trail has got, stored outside the database. Sealed under the secret
 * key, so that someone with only the database can neither forge it nor cut off entries.
 */
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { replaceFile } from '../platform/durable-file.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import { isEqual } from './audit-chain.ts'

/** The place of the trail when the file was written. */
const Head = z.strictObject({
  version: z.literal(1),
  trail_id: z.string().min(1),
  newest: z.int().min(0),
  newest_hash: z.string(),
  at: z.iso.datetime(),
})
export type Head = z.infer<typeof Head>
/** Two seals while the secret key changes: one valid seal is enough. */
const HeadFile = Head.extend({ seals: z.array(z.string()).min(1).max(2) })

export type HeadReading =
  /** The database is in memory, so there is nothing to compare. */
  { kind: 'none' } | { kind: 'missing' } | { kind: 'foreign'; why: string } | { kind: 'ours'; head: Head }

export interface TrailHeadOptions {
  /** Undefined if no file is kept. */
  file: string | undefined
  secrets: Pick<SecretBox, 'derive'>
  /** Makes what the database committed survive a power failure: the file must not contain more than that. */
  settle?: (() => Promise<void>) | undefined
}

export const headFileName = 'audit.head'
const maxLength = 4_096

export class TrailHead {
  readonly #file: string | undefined
  readonly #secrets: Pick<SecretBox, 'derive'>
  readonly #settle: () => Promise<void>

  constructor({ file, secrets, settle = async () => undefined }: TrailHeadOptions) {
    this.#file = file
    this.#secrets = secrets
    this.#settle = settle
  }

  /** Undefined if no file is kept. */
  get file(): string | undefined {
    return this.#file
  }

  get isKept(): boolean {
    return this.#file !== undefined
  }

  async read(): Promise<HeadReading> {
    if (this.#file === undefined) return { kind: 'none' }
    try {
      const text = await readFile(this.#file, 'utf8')
      const { seals, ...head } = HeadFile.parse(JSON.parse(text.slice(0, maxLength)))
      const wanted = sealOf(head, this.#secrets)
      if (seals.some(seal => isEqual(seal, wanted))) return { kind: 'ours', head }
      return { kind: 'foreign', why: 'it is not sealed with the secret key' }
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      if (code === 'ENOENT') return { kind: 'missing' }
      return {
        kind: 'foreign',
        why: code === '' ? 'it does not hold what RustyMail writes' : `it cannot be read: ${code}`,
      }
    }
  }

  /** Replaces the file atomically. Not concurrently: see `HeadKeeper`. */
  async save(head: Omit<Head, 'version'>): Promise<void> {
    await this.#settle()
    await this.#write({ version: 1, ...head }, [this.#secrets])
  }

  /**
   * Adds a seal before the database switches to another key, so that the file is valid whichever of the two it has in
   * the end.
   */
  async sealAlso(next: Pick<SecretBox, 'derive'>): Promise<void> {
    const reading = await this.read()
    // A foreign file does not become ours by a change of the key.
    if (reading.kind === 'ours') await this.#write(reading.head, [this.#secrets, next])
  }

  async #write(head: Head, keys: readonly Pick<SecretBox, 'derive'>[]): Promise<void> {
    if (this.#file !== undefined) await replaceFile(this.#file, headText(head, keys))
  }
}

/** Returns the content of the file. */
export function headText(head: Head, keys: readonly Pick<SecretBox, 'derive'>[]): string {
  const seals = keys.map(key => sealOf(head, key))
  return `${JSON.stringify({ ...head, seals })}\n`
}

function sealOf({ version, trail_id, newest, newest_hash, at }: Head, secrets: Pick<SecretBox, 'derive'>): string {
  const text = JSON.stringify([version, trail_id, newest, newest_hash, at])
  return createHmac('sha256', secrets.derive('audit head')).update(text).digest('hex')
}
