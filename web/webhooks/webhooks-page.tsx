/** Webhooks: programs that receive events as signed requests, their deliveries, and actions. */
import {
  KeyRound,
  ListOrdered,
  Pause,
  Play,
  Plus,
  Rewind,
  ScrollText,
  Send,
  Trash2,
  Webhook as WebhookIcon,
} from 'lucide-react'
import { useState } from 'react'
import type { Webhook } from '../../contract/webhooks.ts'
import { Button } from '../ui/button.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { TokensTabs } from '../ui/page-tabs.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { type RowAction, RowActions } from '../ui/row-actions.tsx'
import { Cell, ColumnHead, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import { CreateWebhookDialog } from './create-webhook-dialog.tsx'
import { DeliveriesDialog } from './deliveries-dialog.tsx'
import { OrderDialog } from './order-dialog.tsx'
import { ReplayDialog } from './replay-dialog.tsx'
import { useWebhookAction, useWebhooks, webhooksIntervalMs } from './use-webhooks.ts'
import { DeleteWebhookDialog, RotateDialog } from './webhook-dialogs.tsx'
import { WebhookState } from './webhook-state.tsx'

type Opened = { kind: 'deliveries' | 'rotate' | 'replay' | 'order' | 'delete'; webhook: Webhook }

export function WebhooksPage() {
  const webhooks = useWebhooks()
  const [isCreating, setCreating] = useState(false)
  const [opened, setOpened] = useState<Opened>()
  const close = () => setOpened(undefined)
  const create = (
    <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
      Create a webhook
    </Button>
  )
  return (
    <>
      <PageHeader
        title="Webhooks"
        description="Signed requests that notify your programs of events, in order and at least once."
        actions={(webhooks.data?.items.length ?? 0) > 0 && create}
      />
      <TokensTabs />
      <Panel
        query={webhooks}
        intervalMs={webhooksIntervalMs}
        isEmpty={({ items }) => items.length === 0}
        empty={
          <EmptyState icon={WebhookIcon} title="No webhooks yet" actions={create}>
            A webhook sends events to a URL of yours. It can be down for three days without missing any.
          </EmptyState>
        }
      >
        {({ items }) => <WebhooksTable webhooks={items} onOpen={setOpened} />}
      </Panel>
      {isCreating && <CreateWebhookDialog onClose={() => setCreating(false)} />}
      {opened?.kind === 'deliveries' && <DeliveriesDialog webhook={opened.webhook} onClose={close} />}
      {opened?.kind === 'replay' && <ReplayDialog webhook={opened.webhook} onClose={close} />}
      {opened?.kind === 'order' && <OrderDialog webhook={opened.webhook} onClose={close} />}
      {opened?.kind === 'rotate' && <RotateDialog webhook={opened.webhook} onClose={close} />}
      {opened?.kind === 'delete' && <DeleteWebhookDialog webhook={opened.webhook} onClose={close} />}
    </>
  )
}

/** Actions by state; enabling a failing webhook retries immediately. */
const wayBack: Record<Webhook['state'], readonly string[]> = { active: [], failing: ['Try now'], disabled: ['Enable'] }

function WebhooksTable({ webhooks, onOpen }: { webhooks: readonly Webhook[]; onOpen(opened: Opened): void }) {
  const { mutate } = useWebhookAction()
  return (
    <Table label="Webhooks" isStacked>
      <TableHead>
        <ColumnHead>Name</ColumnHead>
        <ColumnHead>State</ColumnHead>
        <ColumnHead>Events</ColumnHead>
        <ColumnHead>Last delivery</ColumnHead>
        <ColumnHead>
          <span className="sr-only">Actions</span>
        </ColumnHead>
      </TableHead>
      <TableBody>
        {webhooks.map(webhook => (
          <TableRow key={webhook.id}>
            <Cell label="Name">
              <span className="block max-w-64 font-medium break-words">{webhook.name}</span>
              <span className="block max-w-80 truncate font-mono text-xs text-muted">{webhook.url}</span>
            </Cell>
            <Cell label="State">
              <WebhookState webhook={webhook} />
            </Cell>
            <Cell label="Events">
              <span className="block max-w-80 break-words">{webhook.types.join(', ') || 'All'}</span>
              {webhook.query !== null && (
                <span className="block max-w-80 text-xs break-words text-muted">
                  mail only where <code className="font-mono">{webhook.query}</code>
                </span>
              )}
            </Cell>
            <Cell label="Last delivery">
              {webhook.last_success_at ? <RelativeTime at={webhook.last_success_at} /> : 'None yet'}
            </Cell>
            <Cell align="right">
              <RowActions
                subject={webhook.name}
                actions={[
                  { label: 'Deliveries', icon: ScrollText, onChoose: () => onOpen({ kind: 'deliveries', webhook }) },
                  { label: 'Test', icon: Send, onChoose: () => mutate({ deed: 'test', id: webhook.id }) },
                  ...wayBack[webhook.state].map(label => ({
                    label,
                    icon: Play,
                    onChoose: () => mutate({ deed: 'enable', id: webhook.id }),
                  })),
                  ...rareActions(webhook, onOpen),
                  ...(webhook.state === 'disabled'
                    ? []
                    : [
                        {
                          label: 'Disable',
                          icon: Pause,
                          isRare: true,
                          onChoose: () => mutate({ deed: 'disable', id: webhook.id }),
                        },
                      ]),
                  {
                    label: 'Delete',
                    icon: Trash2,
                    isRare: true,
                    isDangerous: true,
                    onChoose: () => onOpen({ kind: 'delete', webhook }),
                  },
                ]}
              />
            </Cell>
          </TableRow>
        ))}
      </TableBody>
    </Table>
  )
}

function rareActions(webhook: Webhook, onOpen: (opened: Opened) => void): RowAction[] {
  return [
    { label: 'Replay', icon: Rewind, isRare: true, onChoose: () => onOpen({ kind: 'replay', webhook }) },
    { label: 'Order', icon: ListOrdered, isRare: true, onChoose: () => onOpen({ kind: 'order', webhook }) },
    { label: 'Rotate the secret', icon: KeyRound, isRare: true, onChoose: () => onOpen({ kind: 'rotate', webhook }) },
  ]
}
