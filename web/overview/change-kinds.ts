/** The kinds of changes by which the feed can be narrowed. */
import { type FactType, factTypes } from '../../contract/event.ts'

export type ChangeKind = 'mail' | 'sending' | 'accounts' | 'clients' | 'access' | 'server'

export const kindLabels: Record<ChangeKind, string> = {
  mail: 'Mail',
  sending: 'Drafts and sending',
  accounts: 'Accounts',
  clients: 'Clients',
  access: 'People and tokens',
  server: 'Server',
}

/** The server knows more types than this page in time; those are changes of the server. */
export function kindOf(type: FactType): ChangeKind {
  if (/^(mail|folder|operation)_/.test(type)) return 'mail'
  if (/^(draft|delivery|approval|freeze)_/.test(type)) return 'sending'
  if (/^(account|quota)_/.test(type)) return 'accounts'
  if (type.startsWith('client_')) return 'clients'
  if (type.startsWith('token_') || type.startsWith('user_')) return 'access'
  return 'server'
}

/** Undefined for a kind that does not exist, as an old link may name one. */
export function typesOf(kind: string): FactType[] | undefined {
  return Object.hasOwn(kindLabels, kind) ? factTypes.filter(type => kindOf(type) === kind) : undefined
}
