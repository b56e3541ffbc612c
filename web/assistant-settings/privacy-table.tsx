/** How much of each account's mail each provider may be sent. */

import type { AssistantSettings } from '../../contract/assistant-settings.ts'
import type { AssistantProvider, MailShare } from '../../contract/model-provider.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { Badge } from '../ui/badge.tsx'
import { Select } from '../ui/field.tsx'
import { Panel } from '../ui/panel.tsx'
import { Cell, ColumnHead, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import { shareWords } from './provider-kinds.ts'
import { useChangeSettings } from './use-assistant-settings.ts'

export function PrivacyTable({ settings: { providers, shares } }: { settings: AssistantSettings }) {
  const accounts = useAccounts()
  const { mutate, isPending } = useChangeSettings()
  const choose = (accountId: string, providerId: string, share: MailShare | 'usual') => {
    const others = shares.filter(each => each.account_id !== accountId || each.provider_id !== providerId)
    const own = share === 'usual' ? [] : [{ account_id: accountId, provider_id: providerId, share }]
    mutate({ shares: [...others, ...own] })
  }
  return (
    <Panel
      title="Privacy: which mail each provider may be sent"
      query={accounts}
      isEmpty={({ items }) => items.length === 0}
      empty={<p className="px-4 py-3 text-sm text-soft">No mailbox is connected yet.</p>}
    >
      {({ items }) => (
        <Table label="Which mail each provider may be sent" isStacked>
          <TableHead>
            <ColumnHead>Account</ColumnHead>
            {providers.map(({ id, name, is_local: isLocal }) => (
              <ColumnHead key={id}>
                {name} {isLocal && <Badge tone="good">Local</Badge>}
              </ColumnHead>
            ))}
          </TableHead>
          <TableBody>
            {items.map(({ id, name }) => (
              <TableRow key={id}>
                <Cell label="Account">
                  <span className="font-medium">{name}</span>
                </Cell>
                {providers.map(provider => (
                  <Cell key={provider.id} label={provider.name} className="stacked:col-span-full">
                    <ShareChoice
                      label={`What ${provider.name} may be sent of ${name}`}
                      provider={provider}
                      own={shares.find(each => each.account_id === id && each.provider_id === provider.id)?.share}
                      disabled={isPending}
                      onChange={share => choose(id, provider.id, share)}
                    />
                  </Cell>
                ))}
              </TableRow>
            ))}
          </TableBody>
        </Table>
      )}
    </Panel>
  )
}

function ShareChoice({
  label,
  provider,
  own,
  disabled,
  onChange,
}: {
  label: string
  provider: AssistantProvider
  own: MailShare | undefined
  disabled: boolean
  onChange(share: MailShare | 'usual'): void
}) {
  return (
    <Select
      aria-label={label}
      value={own ?? 'usual'}
      disabled={disabled}
      onChange={({ target }) => onChange(target.value as MailShare | 'usual')}
      className="w-full min-w-0 md:min-w-44"
    >
      <option value="usual">Default: {shareWords[provider.mail].toLowerCase()}</option>
      <option value="none">{shareWords.none}</option>
      <option value="headers">{shareWords.headers}</option>
      <option value="text">{shareWords.text}</option>
    </Select>
  )
}
