/**
 * The key pair by which push services identify this server (VAPID, RFC 8292): created when first needed, with its
 * private key sealed.
 */
import { createECDH } from 'node:crypto'
import type { SecretBox } from '../platform/secret-box.ts'
import type { PushStore } from './push-store.ts'

export interface VapidKeys {
  /** Base64url. */
  publicKey: string
  /** Base64url. */
  privateKey: string
}

/** The context that the sealed private key is bound to. */
export const vapidSealContext = 'push vapid'

export class VapidKeyHolder {
  readonly #store: Pick<PushStore, 'findKeys' | 'keepKeys'>
  readonly #secrets: SecretBox
  readonly #now: () => number
  #keys: Promise<VapidKeys> | undefined

  constructor(store: Pick<PushStore, 'findKeys' | 'keepKeys'>, secrets: SecretBox, now: () => number) {
    this.#store = store
    this.#secrets = secrets
    this.#now = now
  }

  /** Reads the keys once; a failure is not cached. */
  get(): Promise<VapidKeys> {
    this.#keys ??= this.#load().catch((error: unknown) => {
      this.#keys = undefined
      throw error
    })
    return this.#keys
  }

  async #load(): Promise<VapidKeys> {
    const row = (await this.#store.findKeys()) ?? (await this.#make())
    return { publicKey: row.public_key, privateKey: this.#secrets.open(row.private_sealed, vapidSealContext) }
  }

  #make() {
    const pair = createECDH('prime256v1')
    pair.generateKeys()
    // Padded, since a key may begin with zeros.
    const secret = Buffer.concat([Buffer.alloc(32), pair.getPrivateKey()]).subarray(-32)
    return this.#store.keepKeys({
      public_key: pair.getPublicKey('base64url'),
      private_sealed: this.#secrets.seal(secret.toString('base64url'), vapidSealContext),
      created_at: new Date(this.#now()).toISOString(),
    })
  }
}
