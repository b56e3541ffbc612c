/** Encrypts secrets with AES-256-GCM under the server's key, and derives keys for other uses from it. */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

const version = 'v1'

export class SecretBox {
  /** A KeyObject: from plain bytes Node would create one per use, which takes six times as long as the use. */
  readonly #key: KeyObject
  readonly #master: Buffer

  /** @param master 32 bytes. */
  constructor(master: Buffer) {
    if (master.length !== 32) throw new Error('the secret key must be 32 bytes long')
    this.#master = master
    this.#key = createSecretKey(this.derive('seal'))
  }

  /**
   * Returns `v1.<nonce>.<tag>.<ciphertext>` in base64url.
   * @param context Authenticated data: `open` needs the same, so that rows cannot be swapped.
   */
  seal(secret: string, context: string): string {
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(context))
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
    return [version, ...[nonce, cipher.getAuthTag(), sealed].map(part => part.toString('base64url'))].join('.')
  }

  /** Decrypts a secret. Throws if the key or context differs, or the text was changed. */
  open(sealed: string, context: string): string {
    const [given, nonce, tag, text] = sealed.split('.')
    if (given !== version || !nonce || !tag || text === undefined) throw new Error('not a sealed secret')
    const decipher = createDecipheriv('aes-256-gcm', this.#key, Buffer.from(nonce, 'base64url'), { authTagLength: 16 })
    decipher.setAAD(Buffer.from(context)).setAuthTag(Buffer.from(tag, 'base64url'))
    return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString('utf8')
  }

  /** Derives a key of 32 bytes for one use (HKDF-SHA256, RFC 5869). */
  derive(use: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#master, '', `rustymail ${use}`, 32))
  }
}

/** Block size of SHA-256. */
const blockBytes = 64
const digestBytes = 32
const signatureBytes = 12

/** Signs short texts, so that clients can hold but not forge them. */
export class Signer {
  /** The padded key for HMAC's inner and outer digest; behind the latter, the current inner digest. */
  readonly #inner: Buffer
  readonly #outer: Buffer

  /** @param key At most one block long. */
  constructor(key: Buffer) {
    if (key.length > blockBytes) throw new Error(`a key to sign with has at most ${blockBytes} bytes`)
    const padded = Buffer.concat([key, Buffer.alloc(blockBytes - key.length)])
    this.#inner = padded.map(byte => byte ^ 0x36) as Buffer
    this.#outer = Buffer.concat([padded.map(byte => byte ^ 0x5c), Buffer.alloc(digestBytes)])
  }

  /**
   * Returns 12 bytes of HMAC-SHA256 (RFC 2104), by two one-shot digests: Node's Hmac objects take five times as long,
   * and a list has a thousand.
   */
  sign(text: string | Buffer): Buffer {
    const bytes = typeof text === 'string' ? Buffer.from(text) : text
    // As buffers, the digests would be separate allocations, which take longer than the digests themselves.
    this.#outer.write(hash('sha256', Buffer.concat([this.#inner, bytes]), 'hex'), blockBytes, 'hex')
    return Buffer.from(hash('sha256', this.#outer, 'hex').slice(0, 2 * signatureBytes), 'hex')
  }

  isValid(text: string | Buffer, signature: Buffer): boolean {
    const wanted = this.sign(text)
    return signature.length === wanted.length && timingSafeEqual(signature, wanted)
  }
}
