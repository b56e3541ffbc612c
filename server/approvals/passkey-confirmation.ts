/** Confirms an approval with a passkey: the authenticator signs a challenge that is for this session, this approval and this hash, once. */
import type { PasskeyChallenge } from '../../contract/access.ts'
import type { ApprovalSettings } from '../../contract/approvals.ts'
import type { Principal } from '../platform/principal.ts'
import { Problem } from '../platform/problem.ts'
import type { ApprovalRow } from './approval-tables.ts'

/** What the browser answered. */
export interface PasskeyProof {
  challenge_id: string
  response: unknown
}

/** Passkeys of users. */
export interface UserPasskeys {
  has(userId: string): Promise<boolean>
  /** @param purpose The same is to be said to `confirm`. @throws Problem for users who have none. */
  beginConfirming(userId: string, purpose: string): Promise<PasskeyChallenge>
  /** @throws Problem unless a passkey of the user has signed the challenge, with its user verified. */
  confirm(userId: string, purpose: string, proof: PasskeyProof): Promise<void>
}

/** Who may approve what. */
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

  /** @throws Problem when it is not this message that waits, or the principal may not approve it. */
  async begin(principal: Principal, id: string, hash: string, approvals: Approvers): Promise<PasskeyChallenge> {
    const row = await approvals.getRow(principal, id)
    await approvals.checkApprover(principal, row)
    if (row.state !== 'waiting' || row.hash !== hash) {
      throw new Problem('approval_void', 'It is not this message that waits: it was edited or decided about meanwhile.')
    }
    return this.#passkeys.beginConfirming(principal.userId ?? '', purposeOf(principal, id, hash))
  }

  /** @returns Whether it was confirmed. @throws Problem for a proof that is none. */
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

/** Where the settings want one. */
export function passkeyRefusal({ passkey }: ApprovalSettings, isConfirmed: boolean): Problem | undefined {
  if (!passkey || isConfirmed) return undefined
  return new Problem('passkey_required', 'Approving has to be confirmed with one of your passkeys.')
}

function purposeOf({ id: principalId }: Principal, approvalId: string, hash: string): string {
  return `approve ${principalId} ${approvalId} ${hash}`
}
