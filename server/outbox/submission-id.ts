/** Ids of submissions. */
import { RisingIds } from '../platform/rising-ids.ts'

export class SubmissionIds extends RisingIds {
  constructor(now?: () => number) {
    super('s', now)
  }
}
