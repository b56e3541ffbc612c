/**
 * Challenges for passkeys: signed instead of stored, so that a caller that requests many evicts none of others. Each
 * opens once.
 */
import { randomBytes } from 'node:crypto'
import { Problem } from '../platform/problem.ts'
import { Signer } from '../platform/secret-box.ts'

export const challengeLifeMs = 5 * 60_000
/**
 * Used challenges kept until they expire. Only those that a passkey has signed are stored, so requests cannot fill it.
 */
const maxUsed = 10_000
const timeBytes = 6
const bodyBytes = timeBytes + 18

export class PasskeyChallenges {
  readonly #now: () => number
  readonly #signer = new Signer(randomBytes(32))
  readonly #used = new Map<string, number>()

  constructor({ now }: { now: () => number }) {
    this.#now = now
  }

  /** @param purpose What it may be used for, and by whom; `check` requires the same. */
  issue(purpose: string): string {
    const body = randomBytes(bodyBytes)
    body.writeUIntBE(this.#now() + challengeLifeMs, 0, timeBytes)
    return Buffer.concat([body, this.#signer.sign(signed(purpose, body))]).toString('base64url')
  }

  check(challenge: string, purpose: string): void {
    const bytes = Buffer.from(challenge, 'base64url')
    const [body, signature] = [bytes.subarray(0, bodyBytes), bytes.subarray(bodyBytes)]
    const isOurs =
      bytes.toString('base64url') === challenge &&
      bytes.length > bodyBytes &&
      this.#signer.isValid(signed(purpose, body), signature)
    if (!isOurs || this.#now() >= body.readUIntBE(0, timeBytes) || this.#used.has(challenge)) refuse()
  }

  /** Called only after `check`, once a passkey has signed the challenge. Throws if another request was faster. */
  use(challenge: string): void {
    if (this.#used.has(challenge)) refuse()
    const now = this.#now()
    for (const [used, endsAt] of this.#used) if (endsAt <= now) this.#used.delete(used)
    if (this.#used.size >= maxUsed) {
      throw new Problem('overloaded', 'Too many passkeys are in use at the moment.', { retryAfterSeconds: 30 })
    }
    this.#used.set(challenge, Buffer.from(challenge, 'base64url').readUIntBE(0, timeBytes))
  }
}

function signed(purpose: string, body: Buffer): Buffer {
  return Buffer.concat([body, Buffer.from(purpose)])
}

function refuse(): never {
  throw new Problem('challenge_invalid', 'This took more than 5 minutes, or was already completed; start again.')
}
