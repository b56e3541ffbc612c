/** Ids of approvals. */
import { RisingIds } from '../platform/rising-ids.ts'

export class ApprovalIds extends RisingIds {
  constructor(now?: () => number) {
    super('a', now)
  }
}
