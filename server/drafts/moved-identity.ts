/** The identity of an account as a part of the file that moves it to another server. */
import { SignatureInput } from '../../contract/draft.ts'
import type { Database } from '../platform/database/database.ts'
import { checkValue } from '../platform/http/http-input.ts'
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
      // Validated like a request: the file may come from anyone.
      const checked = checkValue(SignatureInput, data)
      if (!('data' in checked)) {
        const [fault] = checked.faults
        throw new Problem('bad_request', `identity.${fault?.path}: ${fault?.message}`.slice(0, 300))
      }
      const input = checked.data as SignatureInput
      const account = await store.emailOf(accountId, transaction)
      await store.save(toSignatureRow(accountId, input, account), transaction)
    },
  }
}
