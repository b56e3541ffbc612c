/** The table of API tokens. */
import { OctagonPause, Pencil, RefreshCw, Scale, Trash2, Undo2 } from 'lucide-react'
import { useLocation } from 'wouter'
import type { Account } from '../../contract/accounts.ts'
import type { ApiToken } from '../../contract/tokens.ts'
import { AccountNames } from '../accounts/account-names.tsx'
import { principalOfToken, undoAddress } from '../changes/changes-view.ts'
import { useFreezes } from '../freeze/use-freezes.ts'
import { useMay, useSession } from '../platform/session.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { RowActions } from '../ui/row-actions.tsx'
import { Cell, ColumnHead, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import { scopeName, scopeWords } from './scope-words.ts'
import type { TokenDialogKind } from './token-dialogs.tsx'
import { tokenStatusWords } from './token-status.ts'
import { stopOf, stopWords } from './token-stop.ts'

/** Describes the OAuth client of a token, and who vouches for it. */
function connectionWords({ name, host, redirect_host: back }: NonNullable<ApiToken['oauth_client']>): string {
  return host === null ? `OAuth client “${name}”, to ${back}` : `OAuth client “${name}” of ${host}`
}

export function TokensTable({
  tokens,
  accounts,
  onAct,
}: {
  tokens: readonly ApiToken[]
  accounts: readonly Account[] | undefined
  onAct(kind: TokenDialogKind, token: ApiToken): void
}) {
  const { user_id: ownId } = useSession().principal
  return (
    <Table label="API tokens" isStacked>
      <TableHead>
        <ColumnHead>Token</ColumnHead>
        <ColumnHead>Permissions</ColumnHead>
        <ColumnHead>Accounts</ColumnHead>
        <ColumnHead>Status</ColumnHead>
        <ColumnHead>Expires</ColumnHead>
        <ColumnHead>Last used</ColumnHead>
        <ColumnHead>
          <span className="sr-only">Actions</span>
        </ColumnHead>
      </TableHead>
      <TableBody>
        {tokens.map(token => (
          <TokenRow key={token.id} token={token} accounts={accounts} isOwn={token.user_id === ownId} onAct={onAct} />
        ))}
      </TableBody>
    </Table>
  )
}

function TokenRow({
  token,
  accounts,
  isOwn,
  onAct,
}: {
  token: ApiToken
  accounts: readonly Account[] | undefined
  isOwn: boolean
  onAct(kind: TokenDialogKind, token: ApiToken): void
}) {
  const { name, prefix, scopes, allowed_addresses: allowed, status, expires_at: endsAt } = token
  const { last_used_at: usedAt, last_used_address: usedFrom, oauth_client: client } = token
  const { tone, text } = tokenStatusWords[status]
  const [, navigate] = useLocation()
  const mayUndo = useMay('dashboard:operate') && scopes.some(scope => scope.startsWith('mail:'))
  const stop = stopOf(token, useFreezes().data?.items ?? [])
  return (
    <TableRow>
      <Cell className="min-w-44 wrap-anywhere">
        <p className="font-medium">{name}</p>
        <p className="text-xs text-muted">
          {client === null ? <code className="font-mono">{prefix}…</code> : connectionWords(client)}
          {!isOwn && ` of ${token.user_name}`}
        </p>
      </Cell>
      <Cell label="Permissions">
        <span className="flex flex-wrap gap-1">
          {scopes.map(scope => (
            <span key={scope} title={`${scope}: ${scopeWords[scope].may}`}>
              <Badge>{scopeName(scope)}</Badge>
            </span>
          ))}
        </span>
      </Cell>
      <Cell label="Accounts" className="min-w-24">
        <AccountNames accounts={token.accounts} known={accounts} />
      </Cell>
      <Cell label="Status">
        {stop && status === 'active' ? (
          <>
            <StatePill tone={stopWords[stop].tone}>{stopWords[stop].text}</StatePill>
            {stopWords[stop].why && <span className="block text-xs text-muted">{stopWords[stop].why}</span>}
          </>
        ) : (
          <StatePill tone={tone}>{text}</StatePill>
        )}
        {status === 'suspended' && <span className="block text-xs text-muted">its owner is disabled</span>}
      </Cell>
      <Cell label="Expires">{endsAt === null ? 'Never' : <RelativeTime at={endsAt} />}</Cell>
      <Cell label="Last used">
        {usedAt === null ? <span className="text-muted">Never</span> : <RelativeTime at={usedAt} />}
        {usedFrom !== null && <span className="block font-mono text-xs text-muted">{usedFrom}</span>}
        {allowed.length > 0 && (
          <span className="block text-xs text-muted" title={allowed.join(', ')}>
            only from {allowed[0]}
            {allowed.length > 1 && ` and ${allowed.length - 1} more`}
          </span>
        )}
      </Cell>
      <Cell align="right">
        <RowActions
          subject={name}
          actions={[
            { label: 'Policy', icon: Scale, onChoose: () => onAct('policy', token) },
            // A stopped token is listed in the banner, where the stop can be lifted.
            ...(stop === 'itself'
              ? []
              : [{ label: 'Stop', icon: OctagonPause, onChoose: () => onAct('freeze', token) }]),
            { label: 'Edit', icon: Pencil, isRare: true, onChoose: () => onAct('edit', token) },
            // Only the owner may get a new secret; OAuth clients refresh theirs.
            ...(isOwn && client === null
              ? [{ label: 'Rotate', icon: RefreshCw, isRare: true, onChoose: () => onAct('rotate', token) }]
              : []),
            ...(mayUndo
              ? [
                  {
                    label: 'Undo what it did',
                    icon: Undo2,
                    isRare: true,
                    onChoose: () => navigate(undoAddress(principalOfToken(token.id))),
                  },
                ]
              : []),
            {
              label: 'Revoke',
              icon: Trash2,
              isRare: true,
              isDangerous: true,
              onChoose: () => onAct('revoke', token),
            },
          ]}
        />
      </Cell>
    </TableRow>
  )
}
