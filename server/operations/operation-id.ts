/** Ids of operations. */
import { RisingIds } from '../platform/rising-ids.ts'

export class OperationIds extends RisingIds {
  constructor(now?: () => number) {
    super('', now)
  }
}
