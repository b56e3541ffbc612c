/** Two accounts on one in-memory mailbox, indexed and watched: a delivered message arrives in both. */
import type { Account } from '../../contract/accounts.ts'
import { api } from '../../contract/index.ts'
import type { MemoryGateway } from '../../server/imap/adapters/memory-gateway.ts'
import type { People } from './people.ts'
import { untilIndexed, untilWatched } from './until-indexed.ts'

/** @param gateway A mailbox with one message. @returns The account ids of `ann` and `bob`. */
export async function connectTwoAccounts(people: People, gateway: MemoryGateway): Promise<[ann: string, bob: string]> {
  const path = `${api.accounts.createAccount.path}?verify=false`
  const connect = async (user: string) => {
    const imap = { host: 'mail.example.org', port: 993, tls: 'implicit', user, password: 'secret' }
    const input = { name: user, email: `${user}@example.org`, imap }
    return (await people.tell<Account>(people.admin, 'POST', path, input)).id
  }
  const [ann, bob] = [await connect('ann'), await connect('bob')]
  for (const account of [ann, bob]) await untilIndexed(people, account, 1)
  await untilWatched(gateway, 2)
  return [ann, bob]
}
