/** Ids of proposals. */
import { RisingIds } from '../platform/rising-ids.ts'

export class ProposalIds extends RisingIds {
  constructor(now?: () => number) {
    super('p', now)
  }
}
