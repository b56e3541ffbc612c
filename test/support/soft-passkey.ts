/** A software authenticator that answers both ceremonies as a browser would, and lies on request. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

interface Lies {
  origin?: string
  /** The relying party that the signature is for. */
  rpId?: string
  challenge?: string
  /** Neither PIN nor fingerprint was verified. */
  isUnverified?: boolean
  userHandle?: string
  counter?: number
  isBackedUp?: boolean
}

const flag = { present: 0x01, verified: 0x04, canBackUp: 0x08, backedUp: 0x10, attested: 0x40 }

export class SoftPasskey {
  readonly id = randomBytes(32).toString('base64url')
  readonly #origin: string
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  #userHandle = ''
  #counter = 0

  /** @param origin Origin of the page in its browser. */
  constructor(origin: string) {
    this.#origin = origin
  }

  /** Answers `navigator.credentials.create()` as JSON. @param options As the service made them. */
  create(options: Record<string, unknown>, lies: Lies = {}): Record<string, unknown> {
    const { challenge, user } = options as { challenge: string; user: { id: string } }
    this.#userHandle = user.id
    const { x, y } = this.#keys.publicKey.export({ format: 'jwk' })
    // COSE_Key (RFC 9053, section 7.1.1): kty EC2, alg ES256, crv P-256.
    const key = [hex('a5010203262001215820'), Buffer.from(x!, 'base64url'), hex('225820'), Buffer.from(y!, 'base64url')]
    const id = Buffer.from(this.id, 'base64url')
    const idLength = Buffer.from([0, id.length])
    const attested = Buffer.concat([Buffer.alloc(16), idLength, id, ...key])
    const authData = Buffer.concat([this.#authData(flag.attested, lies), attested])
    // CBOR: { fmt: 'none', attStmt: {}, authData }
    const head = hex('a363666d74646e6f6e656761747453746d74a068617574684461746158')
    const attestationObject = Buffer.concat([head, Buffer.from([authData.length]), authData])
    return this.#credential({
      clientDataJSON: this.#clientData('webauthn.create', challenge, lies).toString('base64url'),
      attestationObject: attestationObject.toString('base64url'),
      transports: ['internal'],
    })
  }

  /** Answers `navigator.credentials.get()` as JSON. */
  get(options: Record<string, unknown>, lies: Lies = {}): Record<string, unknown> {
    const { challenge } = options as { challenge: string }
    this.#counter++
    const authData = this.#authData(0, lies)
    const clientData = this.#clientData('webauthn.get', challenge, lies)
    const signature = sign('sha256', Buffer.concat([authData, sha256(clientData)]), this.#keys.privateKey)
    return this.#credential({
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authData.toString('base64url'),
      signature: signature.toString('base64url'),
      userHandle: lies.userHandle ?? this.#userHandle,
    })
  }

  #credential(response: Record<string, unknown>) {
    return { id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {}, response }
  }

  #clientData(type: string, challenge: string, lies: Lies): Buffer {
    const { origin = this.#origin } = lies
    return Buffer.from(JSON.stringify({ type, challenge: lies.challenge ?? challenge, origin, crossOrigin: false }))
  }

  #authData(flags: number, { rpId, isUnverified, counter, isBackedUp }: Lies): Buffer {
    const data = Buffer.alloc(37)
    sha256(rpId ?? new URL(this.#origin).hostname).copy(data)
    const verified = isUnverified ? 0 : flag.verified
    const backedUp = isBackedUp ? flag.backedUp : 0
    data[32] = flags | flag.present | verified | flag.canBackUp | backedUp
    data.writeUInt32BE(counter ?? this.#counter, 33)
    return data
  }
}

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}
