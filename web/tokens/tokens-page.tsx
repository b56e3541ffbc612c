/** API tokens for programs and agents, each with its own scopes and accounts. */
import { BookOpen, KeyRound, Webhook } from 'lucide-react'
import { useState } from 'react'
import { useAccounts } from '../accounts/use-accounts.ts'
import { useMay } from '../platform/session.ts'
import { useUrlState } from '../platform/url-state.ts'
import { Button, ButtonAnchor, ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { SkeletonRows } from '../ui/skeleton.tsx'
import { CreateTokenDialog, type OpenTokenDialog, TokenDialogs } from './token-dialogs.tsx'
import { TokensTable } from './tokens-table.tsx'
import { tokensIntervalMs, useTokens } from './use-tokens.ts'

export function TokensPage() {
  const tokens = useTokens()
  const accounts = useAccounts()
  const seesAll = useMay('dashboard:admin')
  const [{ create }, setUrl] = useUrlState({ create: '' })
  const [dialog, setDialog] = useState<OpenTokenDialog>()
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
            <ButtonLink href="/tokens/webhooks" icon={Webhook}>
              Webhooks
            </ButtonLink>
            <ButtonAnchor href="/docs" icon={BookOpen}>
              API documentation
            </ButtonAnchor>
            {(tokens.data?.items.length ?? 0) > 0 && makeButton}
          </>
        }
      />
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
        {({ items }) => (
          <TokensTable
            tokens={items}
            accounts={accounts.data?.items}
            onAct={(kind, token) => setDialog({ kind, token })}
          />
        )}
      </Panel>
      {create === '1' && <CreateTokenDialog onClose={() => setUrl({ create: '' }, { replace: true })} />}
      {dialog && <TokenDialogs dialog={dialog} onClose={() => setDialog(undefined)} />}
    </>
  )
}
