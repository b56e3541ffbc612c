/** Checks what prevents a message from being sent although a human approves it; used for approving, and to show it. */
import type { SubmissionRow } from '../outbox/submission-tables.ts'
import type { Database } from '../platform/database/database.ts'
import { Problem } from '../platform/problem.ts'
import { unreadablePolicy } from '../policies/stored-policy.ts'
import type { TokenJudge } from '../policies/token-judge.ts'
import { type ApprovalRow, judgedOf } from './approval-tables.ts'
import { SenderState, type SenderStateOptions } from './sender-state.ts'

export interface ReleaseCheckOptions extends SenderStateOptions {
  judge: Pick<TokenJudge, 'denials'>
  now(): number
}

export interface Obstacle {
  problem: Problem
  /** Whether an edited message could be sent. */
  isEditable: boolean
}

export type FindObstacle = (row: ApprovalRow, submission: SubmissionRow) => Promise<Obstacle | undefined>

export class ReleaseCheck {
  readonly #options: ReleaseCheckOptions

  constructor(options: ReleaseCheckOptions) {
    this.#options = options
  }

  /**
   * Returns a check over the current state of the database that reads each thing once. @param db The transaction that
   * decides.
   */
  obstaclesIn(db?: Database): FindObstacle {
    const state = new SenderState(this.#options, db)
    return (row, submission) => this.#obstacle(row, submission, state)
  }

  /** Returns whether the sender may no longer send at all, so that its requests cannot be approved. */
  async hasEnded(sender: Parameters<ReleaseCheckOptions['mayStillSend']>[0], db?: Database): Promise<boolean> {
    return !(await this.#options.mayStillSend(sender, db))
  }

  async #obstacle(row: ApprovalRow, submission: SubmissionRow, state: SenderState): Promise<Obstacle | undefined> {
    const { judge, now } = this.#options
    if (await state.isFrozen(row)) {
      const detail = 'A freeze stops its sender or its account from sending; it is held until that is lifted.'
      return { problem: new Problem('frozen', detail), isEditable: false }
    }
    const refusal = await state.refusal(submission)
    if (refusal) {
      const isEditable = refusal.code === 'sender_changed'
      const why = isEditable ? `${refusal.why} Editing the message sets the current one.` : refusal.why
      return { problem: new Problem('not_possible_now', why), isEditable }
    }
    const policy = await state.policy(row)
    if (!policy) return undefined
    if (policy.isUnreadable) return { problem: new Problem('not_possible_now', unreadablePolicy), isEditable: false }
    const at = submission.send_at === null ? undefined : Math.max(now(), Date.parse(submission.send_at))
    const [denial] = judge.denials(policy.policy, { ...judgedOf(row), at })
    if (!denial) return undefined
    const detail = `The policy of the token does not allow this now. ${denial.why}`
    return { problem: new Problem('not_possible_now', detail), isEditable: true }
  }
}
