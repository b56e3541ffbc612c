/** The kinds of changes by which the feed can be filtered. */
import { type FactType, factTypes } from '../../contract/event.ts'

export type ChangeKind = 'mail' | 'sending' | 'accounts' | 'clients' | 'access' | 'server'

export const kindLabels: Record<ChangeKind, string> = {
  mail: 'Mail',
  sending: 'Drafts and sending',
  accounts: 'Accounts',
  clients: 'Clients',
  access: 'Users and tokens',
  server: 'Server',
}

/** Returns the kind of a fact; types of a newer server count as changes of the server. */
export function kindOf(type: FactType): ChangeKind {
  if (/^(mail|folder|operation)_/.test(type)) return 'mail'
  if (/^(draft|delivery|approval|freeze)_/.test(type)) return 'sending'
  if (/^(account|quota)_/.test(type)) return 'accounts'
  if (type.startsWith('client_')) return 'clients'
  if (type.startsWith('token_') || type.startsWith('user_')) return 'access'
  return 'server'
}

/** Returns the types of a kind; undefined for an unknown kind, as in an old link. */
export function typesOf(kind: string): FactType[] | undefined {
  return Object.hasOwn(kindLabels, kind) ? factTypes.filter(type => kindOf(type) === kind) : undefined
}
