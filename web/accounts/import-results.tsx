/** The results of an import, those that need attention first. */
import type { ImportedAccount, ImportedRow } from '../../contract/account-moving.ts'
import { formatCount } from '../platform/format.ts'
import { StatePill } from '../ui/badge.tsx'

type Item = ImportedAccount | ImportedRow

const words: Record<Item['status'], { label: string; tone: 'good' | 'info' | 'warn' | 'bad' | 'unknown' }> = {
  invalid: { label: 'Invalid', tone: 'bad' },
  could_not_connect: { label: 'Could not connect', tone: 'bad' },
  not_tried: { label: 'Not tried', tone: 'warn' },
  exists: { label: 'Exists', tone: 'unknown' },
  valid: { label: 'Valid', tone: 'good' },
  created: { label: 'Created', tone: 'good' },
}
const order = Object.keys(words)

export function ImportResults({ items, isDry }: { items: readonly Item[]; isDry: boolean }) {
  const good = items.filter(({ status }) => status === (isDry ? 'valid' : 'created')).length
  const sorted = items.toSorted((one, other) => order.indexOf(one.status) - order.indexOf(other.status))
  return (
    <section className="grid gap-2" aria-label="Results">
      <p role="status" className="text-sm font-medium">
        {isDry
          ? `${formatCount(good, 'account')} of ${items.length} would be created. Nothing is imported yet.`
          : `${formatCount(good, 'account')} of ${items.length} created.`}
      </p>
      <ul className="max-h-80 overflow-y-auto rounded-md border text-sm">
        {sorted.map((item, at) => (
          <li key={'line' in item ? item.line : at} className="grid gap-0.5 border-b px-3 py-2 last:border-b-0">
            <span className="flex flex-wrap items-center gap-2">
              <StatePill tone={words[item.status].tone}>{words[item.status].label}</StatePill>
              <span className="min-w-0 wrap-anywhere">{item.email ?? 'No address'}</span>
              {'line' in item && <span className="text-xs text-muted">line {item.line}</span>}
            </span>
            {'needs_sign_in' in item && item.needs_sign_in && (
              <span className="text-xs text-soft">Sign in at its provider again, on the account’s page.</span>
            )}
            {item.why && (
              <span className="text-xs text-soft wrap-anywhere">
                {'field' in item && item.field && <code className="font-mono">{item.field}: </code>}
                {item.why}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  )
}
