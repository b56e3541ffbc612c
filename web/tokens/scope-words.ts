/** The scopes in words, by family, in rising order. */
import type { Scope, scopeFamilies } from '../../contract/scope.ts'

export type MailScope = (typeof scopeFamilies.mail)[number]
export type DashboardScope = (typeof scopeFamilies.dashboard)[number]

export const scopeWords: Record<Scope, { label: string; may: string }> = {
  'mail:meta': { label: 'List', may: 'Folders, and the sender, recipients, date and subject of each message.' },
  'mail:read': { label: 'Read', may: 'Also whole messages, with the names and sizes of attachments.' },
  'mail:organize': { label: 'Organize', may: 'Also mark, label and move messages, and change folders.' },
  'mail:draft': { label: 'Draft', may: 'Also write drafts, which wait for a person.' },
  'mail:send': { label: 'Send', may: 'Also request sending, which may wait for approval.' },
  'mail:delete': { label: 'Delete permanently', may: 'Messages, bypassing the trash. This cannot be undone.' },
  'dashboard:read': { label: 'Look', may: 'Figures, clients, the state of accounts, the configuration.' },
  'dashboard:operate': { label: 'Operate', may: 'Also test servers, disconnect clients and ask the assistant.' },
  'dashboard:admin': { label: 'Administer', may: 'Also users, tokens, accounts, configuration and the audit trail.' },
}

/** Returns a name that includes the family: `Mail: read`. */
export function scopeName(scope: Scope): string {
  return `${scope.startsWith('mail:') ? 'Mail' : 'Dashboard'}: ${scopeWords[scope].label.toLowerCase()}`
}
