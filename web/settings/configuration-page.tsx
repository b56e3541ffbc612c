/** Settings that can be changed at run time: the default account's server, limits, approvals, OAuth, and networks. */
import { MailPlus } from 'lucide-react'
import { useAccounts } from '../accounts/use-accounts.ts'
import { ApiProblem } from '../platform/api-client.ts'
import { useMay } from '../platform/session.ts'
import { ButtonLink } from '../ui/button.tsx'
import { Card } from '../ui/card.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { ConfigurationTabs } from '../ui/page-tabs.tsx'
import { Panel } from '../ui/panel.tsx'
import { ApprovalPanel } from './approval-panel.tsx'
import { ConfigurationEditor } from './configuration-editor.tsx'
import { ConfigurationSkeleton } from './configuration-skeleton.tsx'
import { McpAuthPanel } from './mcp-auth-panel.tsx'
import { NetworkPanel } from './network-panel.tsx'
import { OAuthPanel } from './oauth-panel.tsx'
import { useConfiguration } from './use-configuration.ts'

export function ConfigurationPage() {
  const { data: accounts, error } = useAccounts()
  const isWithout = accounts?.items.length === 0
  const query = useConfiguration(accounts ? !isWithout : error !== null)
  const mayOpen = useMay('dashboard:admin')
  const hasNoAccount = isWithout || (query.error instanceof ApiProblem && query.error.code === 'no_default_account')
  return (
    <>
      <PageHeader
        title="Configuration"
        description="Settings that can be changed while the server runs. Changes take effect immediately."
      />
      {mayOpen && <ConfigurationTabs />}
      <div className="grid gap-4">
        {hasNoAccount ? (
          <Card>
            <EmptyState
              icon={MailPlus}
              title="No default account yet"
              actions={
                <ButtonLink href="/accounts?connect=1" variant="primary" icon={MailPlus}>
                  Connect a mailbox
                </ButtonLink>
              }
            >
              The server settings below apply already. Those of the default account appear here: the first mailbox that
              you connect becomes it.
            </EmptyState>
          </Card>
        ) : (
          <Panel query={query} skeleton={<ConfigurationSkeleton />}>
            {config => <ConfigurationEditor config={config} />}
          </Panel>
        )}
        <ApprovalPanel />
        {mayOpen && <McpAuthPanel />}
        {mayOpen && <OAuthPanel />}
        {mayOpen && <NetworkPanel />}
      </div>
    </>
  )
}
