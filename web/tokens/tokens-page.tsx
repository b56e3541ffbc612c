/** API tokens for programs and agents, each with its own scopes and accounts. */
import { BookOpen, KeyRound } from 'lucide-react'
import { useState } from 'react'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useMay } from '../platform/session.ts'
import { useUrlState } from '../platform/url-state.ts'
import { Button, ButtonAnchor } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { TokensTabs } from '../ui/page-tabs.tsx'
import { Panel } from '../ui/panel.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { CreateTokenDialog, type OpenTokenDialog, TokenDialogs } from './token-dialogs.tsx'
import { filterTokens, TokensFilter } from './tokens-filter.tsx'
import { TokensTable } from './tokens-table.tsx'
import { tokensIntervalMs, useTokens } from './use-tokens.ts'

/** Tokens from which on the table has filters. */
const leastFiltered = 6

export function TokensPage() {
  const tokens = useTokens()
  const accounts = useAccounts()
  const seesAll = useMay('dashboard:admin')
  const [{ create, ...view }, setUrl] = useUrlState({ create: '', q: '', status: '' })
  const [dialog, setDialog] = useState<OpenTokenDialog>()
  const isNarrowed = view.q !== '' || view.status !== ''
  const makeButton = (
    <Button variant="primary" icon={KeyRound} onClick={() => setUrl({ create: '1' })}>
      Create a token
    </Button>
  )
  return (
    <>
      <PageHeader
        title="Tokens"
        description={
          seesAll
            ? 'For programs and agents. You see everyone’s tokens, but never their secrets.'
            : 'For your programs and agents, each with at most your own permissions.'
        }
        actions={
          <>
            <ButtonAnchor href="/docs" icon={BookOpen}>
              API documentation
            </ButtonAnchor>
            {(tokens.data?.items.length ?? 0) > 0 && makeButton}
          </>
        }
      />
      <TokensTabs />
      {(isNarrowed || (tokens.data?.items.length ?? 0) >= leastFiltered) && (
        <TokensFilter view={view} setView={setUrl} />
      )}
      <Panel
        query={tokens}
        intervalMs={tokensIntervalMs}
        skeleton={<SkeletonRows count={3} />}
        isEmpty={({ items }) => items.length === 0}
        empty={
          <EmptyState icon={KeyRound} title="No tokens yet" actions={makeButton}>
            A token lets a program use RustyMail without your password. It defines what the program may do, with which
            accounts, and until when.
          </EmptyState>
        }
      >
        {({ items }) => {
          const shown = filterTokens(items, view)
          if (shown.length === 0) {
            return (
              <EmptyState
                title="No such token"
                actions={
                  <Button onClick={() => setUrl({ q: '', status: '' }, { replace: true })}>Show all tokens</Button>
                }
              >
                None of {items.length} tokens matches the filters.
              </EmptyState>
            )
          }
          return (
            <TokensTable
              tokens={shown}
              accounts={accounts.data?.items}
              onAct={(kind, token) => setDialog({ kind, token })}
            />
          )
        }}
      </Panel>
      {create === '1' && <CreateTokenDialog onClose={() => setUrl({ create: '' }, { replace: true })} />}
      {dialog && <TokenDialogs dialog={dialog} onClose={() => setDialog(undefined)} />}
    </>
  )
}
