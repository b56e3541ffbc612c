/** The second factor: an authenticator whose codes are valid once each, and recovery codes. */

import { hash, randomBytes } from 'node:crypto'
import type { Logger } from '../platform/logger.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { People } from '../users/people.ts'
import type { UserRow } from '../users/user-tables.ts'
import { createTotpSecret, describeTotp, findTotpStep } from './totp.ts'
import type { TotpStore } from './totp-store.ts'

export interface SecondFactorOptions {
  store: TotpStore
  users: Pick<People, 'takeRecoveryCode'>
  secrets: SecretBox
  now: () => number
  logger: Logger
}

/** The columns of a user with a confirmed authenticator. */
export type ConfirmedTotp = Pick<UserRow, 'totp_sealed' | 'totp_last_step'>

const pendingLifeMs = 10 * 60_000
/** Authenticators that wait for their first code; beyond it the one waiting longest is evicted. */
const maxPending = 200
const recoveryCodes = 10

export class SecondFactorService {
  readonly #options: SecondFactorOptions
  /**
   * Pending authenticators by principal, so that another session of the same user cannot finish what this one began.
   */
  readonly #pending = new Map<string, { secret: string; endsAt: number }>()

  constructor(options: SecondFactorOptions) {
    this.#options = options
  }

  isNeeded(user: Pick<UserRow, 'totp_sealed'>): boolean {
    return user.totp_sealed !== null
  }

  /** Accepts a code of the authenticator or a recovery code, each once. The caller throttles guessing. */
  async verify(user: UserRow, code: string): Promise<boolean> {
    if (user.totp_sealed === null) return false
    const digits = code.replaceAll(/\s/g, '')
    if (/^\d{6}$/.test(digits)) return this.#verifyTotp(user.id, user.totp_sealed, digits)
    return this.#takeRecoveryCode(user.id, hashRecoveryCode(code))
  }

  /** Returns a new secret, which is not valid before `confirm`; replaces a pending one. */
  begin(principalId: string, email: string): { secret: string; uri: string; qr_svg: string } {
    const secret = createTotpSecret()
    this.#pending.delete(principalId)
    if (this.#pending.size >= maxPending) this.#pending.delete(this.#pending.keys().next().value!)
    this.#pending.set(principalId, { secret, endsAt: this.#options.now() + pendingLifeMs })
    return describeTotp(secret, email)
  }

  /** Returns what to store with the user; the step of the code is used up already. */
  confirm(principalId: string, userId: string, code: string): ConfirmedTotp {
    const pending = this.#pending.get(principalId)
    const now = this.#options.now()
    if (!pending || now > pending.endsAt) {
      this.#pending.delete(principalId)
      throw new Problem('challenge_invalid', 'Setting up the authenticator took more than 10 minutes; start again.')
    }
    const step = findTotpStep(pending.secret, code.replaceAll(/\s/g, ''), now)
    if (step === undefined) {
      throw new Problem('code_wrong', 'This is not the current code. Check the clock of the device.')
    }
    this.#pending.delete(principalId)
    const sealed = this.#options.secrets.seal(pending.secret, totpSealContext(userId))
    return { totp_sealed: sealed, totp_last_step: step }
  }

  /** Returns codes to show once; only the hashes are to be stored. */
  createRecoveryCodes(): { codes: string[]; hashes: string[] } {
    const codes = Array.from({ length: recoveryCodes }, createRecoveryCode)
    return { codes, hashes: codes.map(hashRecoveryCode) }
  }

  async #takeRecoveryCode(userId: string, codeHash: string): Promise<boolean> {
    const isTaken = await this.#options.users.takeRecoveryCode(userId, codeHash)
    if (isTaken) this.#options.logger.warn({ user: userId }, 'a recovery code was used')
    return isTaken
  }

  async #verifyTotp(userId: string, sealed: string, code: string): Promise<boolean> {
    const secret = this.#options.secrets.open(sealed, totpSealContext(userId))
    const step = findTotpStep(secret, code, this.#options.now())
    return step !== undefined && (await this.#options.store.takeStep(userId, sealed, step))
  }
}

export function totpSealContext(userId: string): string {
  return `user ${userId} totp`
}

/** The digits of Crockford's base32, without letters that resemble digits. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'
const length = 16

/** Creates a code in the form `xxxx-xxxx-xxxx-xxxx`. */
function createRecoveryCode(): string {
  const letters = Array.from(randomBytes(length), byte => alphabet[byte % alphabet.length])
  return letters.join('').replaceAll(/.{4}(?=.)/g, '$&-')
}

/** Returns the stored hash of a code, in hex. Ignores case, spaces, dashes and letters that resemble digits. */
function hashRecoveryCode(code: string): string {
  const letters = code.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1')
  return hash('sha256', letters, 'hex')
}
