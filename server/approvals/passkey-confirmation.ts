/**
 * Confirms an approval with a passkey: the authenticator signs a one-time challenge that is bound to this session, this
 * approval and this hash.
 */
import type { PasskeyChallenge } from '../../contract/access.ts'
import type { ApprovalSettings } from '../../contract/approvals.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ApprovalRow } from './approval-tables.ts'

/** The browser's response to the challenge. */
export interface PasskeyProof {
  challenge_id: string
  response: unknown
}

/** The passkeys of users. */
export interface UserPasskeys {
  has(userId: string): Promise<boolean>
  /** @param purpose Must be the same in `confirm`. @throws Problem for users without a passkey. */
  beginConfirming(userId: string, purpose: string): Promise<PasskeyChallenge>
  /** @throws Problem unless a passkey of the user has signed the challenge with user verification. */
  confirm(userId: string, purpose: string, proof: PasskeyProof): Promise<void>
}

/** Checks who may approve what. */
export interface Approvers {
  getRow(principal: Principal, id: string): Promise<ApprovalRow>
  checkApprover(principal: Principal, row: ApprovalRow): Promise<void>
}

export class PasskeyConfirmation {
  readonly #passkeys: UserPasskeys

  constructor(passkeys: UserPasskeys) {
    this.#passkeys = passkeys
  }

  has({ kind, userId }: Principal): Promise<boolean> {
    return kind === 'session' && userId !== null ? this.#passkeys.has(userId) : Promise.resolve(false)
  }

  /** @throws Problem if this message is not waiting, or the principal may not approve it. */
  async begin(principal: Principal, id: string, hash: string, approvals: Approvers): Promise<PasskeyChallenge> {
    const row = await approvals.getRow(principal, id)
    await approvals.checkApprover(principal, row)
    if (row.state !== 'waiting' || row.hash !== hash) {
      throw new Problem('approval_void', 'This message is no longer waiting: it was edited or decided in the meantime.')
    }
    return this.#passkeys.beginConfirming(principal.userId ?? '', purposeOf(principal, id, hash))
  }

  /** @returns Whether a proof was given and is valid. @throws Problem for an invalid proof. */
  async check(
    principal: Principal,
    { id }: ApprovalRow,
    hash: string,
    proof: PasskeyProof | undefined,
  ): Promise<boolean> {
    if (!proof) return false
    await this.#passkeys.confirm(principal.userId ?? '', purposeOf(principal, id, hash), proof)
    return true
  }
}

/** Returns the Problem if the settings require a passkey and none confirmed. */
export function passkeyRefusal({ passkey }: ApprovalSettings, isConfirmed: boolean): Problem | undefined {
  if (!passkey || isConfirmed) return undefined
  return new Problem('passkey_required', 'Approving has to be confirmed with one of your passkeys.')
}

function purposeOf({ id: principalId }: Principal, approvalId: string, hash: string): string {
  return `approve ${principalId} ${approvalId} ${hash}`
}
