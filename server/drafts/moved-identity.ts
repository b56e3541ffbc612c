/** How an account signs, as a part of the account when it is moved to another server. */
import { SignatureInput } from '../../contract/draft.ts'
import type { Database } from '../platform/database/database.ts'
import { Problem } from '../platform/problem.ts'
import { signatureOf, toSignatureRow } from './identity-service.ts'
import type { IdentityStore } from './identity-store.ts'

export function movedIdentity(store: IdentityStore) {
  return {
    name: 'identity',
    read: async (accountId: string): Promise<unknown> => {
      const row = await store.find(accountId)
      if (!row) return undefined
      const { updated_at: _updated, ...identity } = signatureOf(row)
      return identity
    },
    write: async (transaction: Database, accountId: string, data: unknown): Promise<void> => {
      const { success, data: input, error } = SignatureInput.safeParse(data)
      if (!success) {
        const [issue] = error.issues
        const detail = `identity.${issue?.path.join('.')}: ${issue?.message}`
        throw new Problem('bad_request', detail.slice(0, 300))
      }
      const account = await store.emailOf(accountId, transaction)
      await store.save(toSignatureRow(accountId, input, account), transaction)
    },
  }
}
