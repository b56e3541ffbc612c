/** Providers, in the order in which they are used; reordered by buttons or by dragging. */
import { ArrowDown, ArrowUp, GripVertical, Pencil, Trash2 } from 'lucide-react'
import { useState } from 'react'
import type { AssistantProvider } from '../../contract/model-provider.ts'
import { Badge, StatePill } from '../ui/badge.tsx'
import { classNames } from '../ui/class-names.ts'
import { IconButton } from '../ui/icon-button.tsx'
import { wordsOf } from './provider-kinds.ts'
import { useChangeSettings } from './use-assistant-settings.ts'

export function ProviderList({
  providers,
  onEdit,
  onDelete,
}: {
  providers: readonly AssistantProvider[]
  onEdit(provider: AssistantProvider): void
  onDelete(provider: AssistantProvider): void
}) {
  const { mutate } = useChangeSettings()
  const [dragged, setDragged] = useState<string>()
  const [said, setSaid] = useState('')
  const move = (id: string, to: number) => {
    const order = providers.map(each => each.id).filter(each => each !== id)
    order.splice(to, 0, id)
    mutate({ order })
    const name = providers.find(each => each.id === id)?.name ?? ''
    setSaid(`${name} is now number ${to + 1} of ${order.length}.`)
  }
  return (
    <>
      <ol className="divide-y" aria-label="Providers, in the order in which they are used">
        {providers.map((provider, place) => (
          <li
            key={provider.id}
            draggable={providers.length > 1}
            onDragStart={event => {
              event.dataTransfer.effectAllowed = 'move'
              setDragged(provider.id)
            }}
            onDragEnd={() => setDragged(undefined)}
            onDragOver={event => dragged !== undefined && event.preventDefault()}
            onDrop={event => {
              event.preventDefault()
              if (dragged !== undefined && dragged !== provider.id) move(dragged, place)
            }}
            className={classNames(
              'flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-3',
              dragged === provider.id && 'opacity-60',
            )}
          >
            <GripVertical className="size-4 shrink-0 cursor-grab text-muted max-md:hidden" aria-hidden="true" />
            <span className="w-5 shrink-0 text-right text-sm text-muted" aria-hidden="true">
              {place + 1}
            </span>
            <div className="min-w-48 flex-1">
              <p className="flex flex-wrap items-center gap-2">
                <span className="font-medium">{provider.name}</span>
                {provider.is_local && <Badge tone="good">Local</Badge>}
                {provider.source === 'environment' && <Badge>Environment</Badge>}
              </p>
              <p className="text-xs break-words text-muted">
                {[wordsOf(provider.kind).label, provider.model, provider.base_url].filter(Boolean).join(' · ')}
              </p>
            </div>
            <State provider={provider} />
            <span className="ml-auto inline-flex">
              <IconButton
                icon={ArrowUp}
                label={`Ask earlier: ${provider.name}`}
                disabled={place === 0}
                onClick={() => move(provider.id, place - 1)}
              />
              <IconButton
                icon={ArrowDown}
                label={`Ask later: ${provider.name}`}
                disabled={place === providers.length - 1}
                onClick={() => move(provider.id, place + 1)}
              />
              <IconButton icon={Pencil} label={`Edit: ${provider.name}`} onClick={() => onEdit(provider)} />
              <IconButton
                icon={Trash2}
                label={`Remove: ${provider.name}`}
                disabled={provider.source === 'environment'}
                onClick={() => onDelete(provider)}
              />
            </span>
          </li>
        ))}
      </ol>
      <p role="status" className="sr-only">
        {said}
      </p>
    </>
  )
}

function State({ provider: { state, last_fault: fault } }: { provider: AssistantProvider }) {
  if (state === 'off') return <StatePill tone="unknown">Off</StatePill>
  if (state === 'ready') return <StatePill tone="good">Ready</StatePill>
  return (
    <span className="max-w-80">
      <StatePill tone={state === 'limited' ? 'warn' : 'bad'}>
        {state === 'limited' ? 'Rate limit reached' : 'Skipped for a while'}
      </StatePill>
      {fault && <span className="block text-xs break-words text-muted">{fault}</span>}
    </span>
  )
}
