/** Gives an existing account another grant, after a user signed in for it at its provider. */
import type { EventHub } from '../events/event-hub.ts'
import { Problem } from '../platform/problem.ts'
import type { SecretBox } from '../platform/secret-box.ts'
import type { NewAccess } from './account-grants.ts'
import { named, serverOf, withGrant } from './account-row.ts'
import type { AccountStore } from './account-store.ts'
import type { AccountRow } from './account-tables.ts'
import { type AccountVerifier, refusePlainOverNetwork, tryServer } from './account-verifier.ts'

interface Options {
  hub: Pick<EventHub, 'transact'>
  store: AccountStore
  secrets: SecretBox
  verifier: AccountVerifier
  timeoutMs: () => number
}

/**
 * Tries the new grant, and stores it.
 * @throws Problem if a server rejects the login, as it does if another person signed in, and if no server responds and
 * the provider does not vouch for the person; then nothing is stored.
 */
export async function takeGrant(options: Options, row: AccountRow, grant: NewAccess): Promise<void> {
  const { hub, store, secrets, verifier, timeoutMs } = options
  const { auth, accessToken } = grant
  let isProven = grant.isSamePerson
  let unreached: Problem | undefined
  for (const part of ['imap', 'smtp'] as const) {
    const server = serverOf(row, part)
    if (!server) continue
    grant.checkHosts(part, server.host)
    refusePlainOverNetwork(part, server)
    const login = async () => ({ ...server, accessToken })
    try {
      await tryServer(verifier, part, login, timeoutMs(), row.id)
      isProven = true
    } catch (error) {
      // Only a server that responds confirms that the right person signed in.
      if (!(error instanceof Problem) || error.code === 'mail_login_refused') throw error
      unreached ??= error
    }
  }
  if (!isProven && unreached) throw unreached
  await hub.transact(async (transaction, publish) => {
    const current = await store.find(row.id, transaction)
    if (!current) throw new Problem('account_not_found', 'There is no such account.')
    await grant.keep(transaction)
    const changed = { ...withGrant(current, auth, secrets), updated_at: new Date().toISOString() }
    await store.update(transaction, changed)
    publish({ type: 'account_updated', data: { ...named(changed, changed.updated_at), changed: ['auth'] } })
  })
}
