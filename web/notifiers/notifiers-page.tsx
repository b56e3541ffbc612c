/** Notifiers: the channels that deliver alerts to people, their state, and tests. */
import { Pause, Pencil, Play, Plus, ScrollText, Send, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { Notifier } from '../../contract/notifiers.ts'
import { useAccounts } from '../accounts/use-accounts.ts'
import { AlertsTabs } from '../alerts/alerts-tabs.tsx'
import { formatCount } from '../platform/format.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { Button } from '../ui/button.tsx'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { EmptyState } from '../ui/empty-state.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { Panel } from '../ui/panel.tsx'
import { RelativeTime } from '../ui/relative-time.tsx'
import { RowActions } from '../ui/row-actions.tsx'
import { Cell, ColumnHead, Table, TableBody, TableHead, TableRow } from '../ui/table.tsx'
import { DeliveriesOfNotifier } from './deliveries-of-notifier.tsx'
import { switched } from './notifier-draft.ts'
import { NotifierForm } from './notifier-form.tsx'
import { kindNames, placeOf } from './notifier-words.ts'
import { TestNotifierDialog } from './test-notifier-dialog.tsx'
import { notifiersIntervalMs, useDeleteNotifier, useNotifiers, useSwitchNotifier } from './use-notifiers.ts'

type Opened = { kind: 'edit' | 'test' | 'deliveries' | 'delete'; notifier: Notifier } | { kind: 'create' }

export function NotifiersPage() {
  const notifiers = useNotifiers()
  const [opened, setOpened] = useState<Opened>()
  const close = () => setOpened(undefined)
  const create = (
    <Button variant="primary" icon={Plus} onClick={() => setOpened({ kind: 'create' })}>
      Add a notifier
    </Button>
  )
  const items = notifiers.data?.items ?? []
  return (
    <>
      <PageHeader
        title="Notifiers"
        description="How people are notified of alerts: by email, chat, phone or a signed request."
        actions={items.length > 0 && create}
      />
      <AlertsTabs />
      <Panel
        query={notifiers}
        intervalMs={notifiersIntervalMs}
        isEmpty={({ items: all }) => all.length === 0}
        empty={
          <EmptyState icon={Send} title="No notifiers yet" actions={create}>
            Until you add one, alerts appear only on the Alerts page and in the event stream.
          </EmptyState>
        }
      >
        {({ items: all }) => <NotifiersTable notifiers={all} onOpen={setOpened} />}
      </Panel>
      {opened?.kind === 'create' && <NotifierForm notifiers={items} onClose={close} />}
      {opened?.kind === 'edit' && <NotifierForm notifier={opened.notifier} notifiers={items} onClose={close} />}
      {opened?.kind === 'test' && <TestNotifierDialog notifier={opened.notifier} onClose={close} />}
      {opened?.kind === 'deliveries' && <DeliveriesOfNotifier notifier={opened.notifier} onClose={close} />}
      {opened?.kind === 'delete' && <DeleteNotifierDialog notifier={opened.notifier} onClose={close} />}
    </>
  )
}

function NotifiersTable({ notifiers, onOpen }: { notifiers: readonly Notifier[]; onOpen(opened: Opened): void }) {
  const { mutate: change } = useSwitchNotifier()
  const names = new Map(useAccounts().data?.items.map(({ id, name, email }) => [id, name || email] as const))
  const accountName = (id: string) => names.get(id) ?? 'an account that was deleted'
  return (
    <Table label="Notifiers" isStacked>
      <TableHead>
        <ColumnHead>Name</ColumnHead>
        <ColumnHead>State</ColumnHead>
        <ColumnHead>Sends</ColumnHead>
        <ColumnHead>Last delivery</ColumnHead>
        <ColumnHead>
          <span className="sr-only">Actions</span>
        </ColumnHead>
      </TableHead>
      <TableBody>
        {notifiers.map(notifier => (
          <TableRow key={notifier.id}>
            <Cell label="Name">
              <span className="block max-w-64 font-medium break-words">{notifier.name}</span>
              <Badge>{kindNames[notifier.target.kind]}</Badge>
              <span className="block max-w-64 truncate text-xs text-muted">{placeOf(notifier, accountName)}</span>
            </Cell>
            <Cell label="State">
              <State notifier={notifier} />
              {notifier.warnings.map(({ code, account_ids: ids }) => (
                <UnannouncedAccounts key={code} names={ids.map(accountName)} />
              ))}
            </Cell>
            <Cell label="Sends">
              <span className="block max-w-48 break-words">{tellsOf(notifier, notifiers)}</span>
            </Cell>
            <Cell label="Last delivery">
              {notifier.last_success_at ? <RelativeTime at={notifier.last_success_at} /> : 'None yet'}
            </Cell>
            <Cell align="right">
              <RowActions
                subject={notifier.name}
                actions={[
                  { label: 'Test', icon: Send, onChoose: () => onOpen({ kind: 'test', notifier }) },
                  { label: 'Deliveries', icon: ScrollText, onChoose: () => onOpen({ kind: 'deliveries', notifier }) },
                  { label: 'Edit', icon: Pencil, onChoose: () => onOpen({ kind: 'edit', notifier }) },
                  {
                    label: notifier.enabled ? 'Switch off' : 'Switch on',
                    icon: notifier.enabled ? Pause : Play,
                    isRare: true,
                    onChoose: () => change({ id: notifier.id, body: switched(notifier) }),
                  },
                  {
                    label: 'Delete',
                    icon: Trash2,
                    isRare: true,
                    isDangerous: true,
                    onChoose: () => onOpen({ kind: 'delete', notifier }),
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

/** @property names Accounts whose alerts no notifier delivers. */
function UnannouncedAccounts({ names }: { names: readonly string[] }) {
  if (names.length === 0) return null
  const shown = names.slice(0, 3).join(', ')
  const more = names.length > 3 ? ` and ${formatCount(names.length - 3, 'more account', 'more accounts')}` : ''
  return (
    <span className="mt-1 block max-w-80 text-xs">
      <StatePill tone="warn">Not notified</StatePill>
      <span className="block text-muted">
        Alerts about {shown}
        {more} reach nobody: mail about an account is never sent from it. Add another notifier.
      </span>
    </span>
  )
}

function State({
  notifier: { enabled, failing_since: since, last_fault: fault, waiting, next_try_at: next },
}: {
  notifier: Notifier
}) {
  if (!enabled) return <StatePill tone="unknown">Off</StatePill>
  if (since === null) return <StatePill tone="good">{waiting > 0 ? 'Delivering' : 'Ready'}</StatePill>
  return (
    <>
      <StatePill tone="bad">Failing</StatePill>
      <span className="block max-w-80 text-xs break-words text-muted">
        {fault}
        {next && (
          <>
            {' '}
            Next retry <RelativeTime at={next} />.
          </>
        )}
      </span>
    </>
  )
}

function tellsOf(
  { only_escalations: isSecond, min_severity: floor, rule_ids: rules, account_ids: accounts, escalate }: Notifier,
  all: readonly Notifier[],
): string {
  const other = all.find(({ id }) => id === escalate?.notifier_id)?.name
  const then = escalate && other ? `; then ${other} after ${escalate.after_minutes} min` : ''
  if (isSecond) return `Escalations${then}`
  const severities = floor === 'info' ? 'All' : floor === 'warning' ? 'Warnings and critical' : 'Critical'
  const of = [
    rules.length > 0 && `of ${formatCount(rules.length, 'rule')}`,
    accounts.length > 0 && `about ${formatCount(accounts.length, 'account')}`,
  ]
  return `${[severities, ...of.filter(Boolean)].join(' ')}${then}`
}

function DeleteNotifierDialog({ notifier, onClose }: { notifier: Notifier; onClose(): void }) {
  const { mutate, error, isPending } = useDeleteNotifier(notifier.id)
  return (
    <ConfirmDialog
      isOpen
      title={`Delete ${notifier.name}?`}
      confirmLabel="Delete"
      isBusy={isPending}
      error={error}
      onConfirm={() => mutate(undefined, { onSuccess: onClose })}
      onClose={onClose}
    >
      <p>It stops notifying people, and its pending notices are dropped.</p>
    </ConfirmDialog>
  )
}
