/** Assistant settings: which providers are asked in which order, what they may be sent, and their limits. */
import { Bot, Plus } from 'lucide-react'
import { useState } from 'react'
import { useSearch } from 'wouter'
import type { AssistantSettings } from '../../contract/assistant-settings.ts'
import type { AssistantProvider } from '../../contract/model-provider.ts'
import { Button, ButtonLink } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { ConfigurationTabs } from '../ui/page-tabs.tsx'
import { Panel } from '../ui/panel.tsx'
import { LimitsForm } from './limits-form.tsx'
import { PrivacyTable } from './privacy-table.tsx'
import { DeleteProviderDialog, ProviderDialog } from './provider-dialog.tsx'
import { ProviderList } from './provider-list.tsx'
import { settingsIntervalMs, useAssistantSettings } from './use-assistant-settings.ts'

type Opened = { kind: 'edit' | 'delete'; provider: AssistantProvider } | { kind: 'add' }

export function AssistantSettingsPage() {
  const query = useAssistantSettings()
  // The assistant links here with `add` when no model is configured.
  const isAdding = new URLSearchParams(useSearch()).has('add')
  const [opened, setOpened] = useState<Opened | undefined>(isAdding ? { kind: 'add' } : undefined)
  const close = () => setOpened(undefined)
  const add = (
    <Button variant="primary" icon={Plus} onClick={() => setOpened({ kind: 'add' })}>
      Add a provider
    </Button>
  )
  return (
    <>
      <PageHeader
        title="Assistant settings"
        description="Model providers, what they may be sent, and limits. Changes apply from the next question."
        actions={
          <>
            <ButtonLink href="/assistant" icon={Bot}>
              Ask the assistant
            </ButtonLink>
            {(query.data?.providers.length ?? 0) > 0 && add}
          </>
        }
      />
      <ConfigurationTabs />
      <div className="grid gap-4">
        <Panel
          title="Providers"
          query={query}
          intervalMs={settingsIntervalMs}
          isEmpty={({ providers }) => providers.length === 0}
          empty={
            <EmptyState icon={Bot} title="No provider yet" actions={add}>
              The assistant uses a model provider of your choice. Until you add one, nothing is sent anywhere.
            </EmptyState>
          }
        >
          {({ providers }) => (
            <ProviderList
              providers={providers}
              onEdit={provider => setOpened({ kind: 'edit', provider })}
              onDelete={provider => setOpened({ kind: 'delete', provider })}
            />
          )}
        </Panel>
        {query.data && query.data.providers.length > 0 && <Privacy settings={query.data} />}
        <Panel title="Limits" query={query} isFlush={false}>
          {({ limits }) => <LimitsForm key={JSON.stringify(limits)} limits={limits} />}
        </Panel>
      </div>
      {opened?.kind === 'add' && <ProviderDialog provider={undefined} onClose={close} />}
      {opened?.kind === 'edit' && <ProviderDialog provider={opened.provider} onClose={close} />}
      {opened?.kind === 'delete' && <DeleteProviderDialog provider={opened.provider} onClose={close} />}
    </>
  )
}

function Privacy({ settings }: { settings: AssistantSettings }) {
  return <PrivacyTable settings={settings} />
}
