/** Leases that a process believes to hold, though another one takes them over when the test says so. */
import { expect } from 'vitest'
import type { LeaseService } from '../../server/leases/lease-service.ts'
import { type Lease, LeaseLost } from '../../server/platform/lease.ts'

export class LosingLeases implements Pick<LeaseService, 'want'> {
  #isLost = false
  #refusals = 0

  want(name: string) {
    const lease: Lease = { name, fence: () => this.#fence(name) }
    return { find: () => lease, giveBack: async () => undefined }
  }

  lose(): void {
    this.#isLost = true
  }

  /** Resolves once a write was refused, or happened all the same. */
  async refused(hasHappened: () => boolean): Promise<void> {
    await expect.poll(() => this.#refusals > 0 || hasHappened()).toBe(true)
  }

  async #fence(name: string): Promise<void> {
    if (!this.#isLost) return
    this.#refusals++
    throw new LeaseLost(name)
  }
}
