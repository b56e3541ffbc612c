/** Prunes operations that were settled long ago, the oldest of accounts with too many, and idempotency keys. */
import type { Logger } from '../platform/logger.ts'
import { Rounds } from '../platform/rounds.ts'
import { keyMs } from './accepted-calls.ts'
import type { CallKeyStore } from './call-key-store.ts'
import type { OperationStore } from './operation-store.ts'

export interface OperationPrunerOptions {
  store: OperationStore
  keys: CallKeyStore
  /** Whether this process is the one that prunes. */
  mayPrune(): boolean
  /** Current time for retention, in epoch milliseconds. */
  retentionNow(): number
  logger: Logger
  keep?: KeptOperations
}

export interface KeptOperations {
  ms: number
  /** Operations per account; the oldest beyond that are pruned. */
  operations: number
  messages: number
  /** Idempotency keys per caller. */
  keys: number
}

const defaultKeep: KeptOperations = { ms: 30 * 24 * 60 * 60_000, operations: 10_000, messages: 200_000, keys: 10_000 }
const everyMs = 60 * 60_000

export function operationPruner(options: OperationPrunerOptions): Rounds {
  return new Rounds({
    everyMs,
    work: signal => prune(options, signal),
    failed: err => options.logger.warn({ err }, 'old operations could not be forgotten'),
  })
}

async function prune(
  { store, keys, mayPrune, retentionNow, keep = defaultKeep }: OperationPrunerOptions,
  signal: AbortSignal,
): Promise<void> {
  if (!mayPrune()) return
  const now = retentionNow()
  const oldest = new Date(now - keep.ms).toISOString()
  await keys.deleteBefore(new Date(now - keyMs).toISOString())
  await keys.deleteBeyond(keep.keys)
  for (const accountId of await store.accounts()) {
    if (signal.aborted) return
    let messages = 0
    const sizes = await store.settledSizes(accountId)
    const old = sizes.filter(({ at, total }, index) => {
      messages += total
      return at < oldest || index >= keep.operations || messages > keep.messages
    })
    await store.delete(old.map(({ id }) => id))
  }
}
