/** The form of a token: filled from the token, validated, and converted to a request body. */
import { type Scope, scopeFamilies, separateScopes } from '../../contract/scope.ts'
import { type ApiToken, tokenPresets } from '../../contract/tokens.ts'
import type { DashboardScope, MailScope } from './scope-words.ts'

export const lifetimes = { '30': '30 days', '90': '90 days', '365': '1 year', never: 'Never' } as const
/** `kept`: unchanged. */
export type Expiry = keyof typeof lifetimes | 'kept'
export type PresetName = keyof typeof tokenPresets

export interface TokenDraft {
  name: string
  /** The highest scope of the family, which includes the lower ones; empty for none. */
  mail: MailScope | ''
  dashboard: DashboardScope | ''
  /** Scopes outside the families. */
  separate: readonly Scope[]
  accounts: string[]
  expiry: Expiry
  /** One per line. */
  addresses: string
}

/** The initial form; `undefined` accounts are not chosen yet. */
export type InitialDraft = Omit<TokenDraft, 'accounts'> & { accounts: string[] | undefined }

export type TokenFaults = Partial<Record<'name' | 'scopes' | 'accounts' | 'addresses', string>>

/** The values of the preset Reader. */
export const emptyDraft = {
  name: '',
  mail: 'mail:read',
  dashboard: '',
  separate: [],
  accounts: undefined,
  expiry: '90',
  addresses: '',
} as const satisfies InitialDraft

const dayMs = 86_400_000
const withoutAccount = 'Select at least one account, or no mail scope: a token only sees the mail of its accounts.'
const address = /^[0-9a-fA-F:.]+(\/\d{1,3})?$/

export function draftOf({ name, scopes, accounts, allowed_addresses: addresses }: ApiToken): TokenDraft {
  return { name, ...levelsOf(scopes), accounts, expiry: 'kept', addresses: addresses.join('\n') }
}

export function levelsOf(scopes: readonly Scope[]): Pick<TokenDraft, 'mail' | 'dashboard' | 'separate'> {
  const highest = <Name extends Scope>(family: readonly Name[]) =>
    family.findLast(scope => scopes.includes(scope)) ?? ''
  const separate = separateScopes.filter(scope => scopes.includes(scope))
  return { mail: highest(scopeFamilies.mail), dashboard: highest(scopeFamilies.dashboard), separate }
}

export function scopesOf({ mail, dashboard, separate }: Pick<TokenDraft, 'mail' | 'dashboard' | 'separate'>): Scope[] {
  return [mail, ...separate, dashboard].filter(scope => scope !== '')
}

/** Returns the preset that equals the form, if any. */
export function presetOf(draft: TokenDraft): PresetName | undefined {
  const chosen = scopesOf(draft).join()
  return presetNames.find(name => tokenPresets[name].scopes.join() === chosen)
}

export const presetNames = Object.keys(tokenPresets) as PresetName[]

export function faultsOf(draft: TokenDraft): TokenFaults {
  const wrong = addressesOf(draft).find(text => !address.test(text))
  return {
    ...(draft.name.trim() === '' && { name: 'Enter a name.' }),
    ...(scopesOf(draft).length === 0 && { scopes: 'Choose at least one scope.' }),
    ...((draft.mail !== '' || draft.separate.length > 0) &&
      draft.accounts.length === 0 && { accounts: withoutAccount }),
    ...(wrong !== undefined && { addresses: `${wrong} is not an address, or a range such as 10.0.0.0/8.` }),
  }
}

/** @param nowMs By the server's clock. */
export function bodyOf(draft: TokenDraft, nowMs: number) {
  return {
    name: draft.name.trim(),
    scopes: scopesOf(draft),
    accounts: draft.accounts,
    allowed_addresses: addressesOf(draft),
    expires_at: endOf(draft.expiry, nowMs),
  }
}

/** Returns only what differs from the token. */
export function changeOf(token: ApiToken, draft: TokenDraft, nowMs: number) {
  const { expires_at: endsAt, ...body } = bodyOf(draft, nowMs)
  const before = bodyOf(draftOf(token), nowMs)
  return {
    ...(body.name !== before.name && { name: body.name }),
    ...(body.scopes.join() !== before.scopes.join() && { scopes: body.scopes }),
    ...(body.accounts.toSorted().join() !== before.accounts.toSorted().join() && { accounts: body.accounts }),
    ...(body.allowed_addresses.join() !== before.allowed_addresses.join() && {
      allowed_addresses: body.allowed_addresses,
    }),
    ...(draft.expiry !== 'kept' && { expires_at: endsAt }),
  }
}

function endOf(expiry: Expiry, nowMs: number): string | null {
  const days = Number(expiry)
  return Number.isNaN(days) ? null : new Date(nowMs + days * dayMs).toISOString()
}

function addressesOf({ addresses }: TokenDraft): string[] {
  return addresses.split(/[\s,]+/).filter(text => text !== '')
}
