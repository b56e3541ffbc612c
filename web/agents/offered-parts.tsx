/** The server's tools, resources and prompts in the playground: choose one, fill in its arguments, call it. */
import { useState } from 'react'
import { Card } from '../ui/card.tsx'
import { classNames } from '../ui/class-names.ts'
import { EmptyState } from '../ui/empty-state.tsx'
import { CallForm } from './call-form.tsx'
import type { Offer } from './offer.ts'
import type { JsonSchema } from './schema-fields.ts'
import type { Opened } from './use-playground.ts'

type Part = 'tools' | 'resources' | 'prompts'
const partWords: Record<Part, string> = { tools: 'Tools', resources: 'Resources', prompts: 'Prompts' }

export function OfferedParts({ opened }: { opened: Opened }) {
  const [part, setPart] = useState<Part>('tools')
  const offers = offersOf(opened)
  const [chosen, setChosen] = useState(offers.tools[0]?.key)
  const list = offers[part]
  const offer = list.find(({ key }) => key === chosen) ?? list[0]
  return (
    <div className="grid grid-cols-1 items-start gap-4 lg:grid-cols-[minmax(14rem,20rem)_minmax(0,1fr)]">
      <Card
        title="Offered"
        isFlush
        actions={
          <fieldset className="flex gap-1">
            <legend className="sr-only">Kind</legend>
            {(Object.keys(partWords) as Part[]).map(each => (
              <button
                key={each}
                type="button"
                aria-pressed={part === each}
                onClick={() => setPart(each)}
                className="min-h-7 rounded-sm px-1.5 text-xs text-soft hover:bg-sunken aria-pressed:bg-accent-tint aria-pressed:text-accent"
              >
                {partWords[each]} <span className="tabular-nums">{offers[each].length}</span>
              </button>
            ))}
          </fieldset>
        }
      >
        {list.length === 0 ? (
          <EmptyState title={`No ${partWords[part].toLowerCase()}`}>The server offers none to this token.</EmptyState>
        ) : (
          <ul className="max-h-96 overflow-y-auto p-1" aria-label={partWords[part]}>
            {list.map(each => (
              <li key={each.key}>
                <button
                  type="button"
                  aria-current={each === offer || undefined}
                  onClick={() => setChosen(each.key)}
                  className={classNames(
                    'w-full rounded-md px-3 py-1.5 text-left focus-visible:-outline-offset-2',
                    each === offer ? 'bg-accent-tint text-accent' : 'hover:bg-sunken',
                  )}
                >
                  <code className="block truncate font-mono text-sm">{each.name}</code>
                  {each.title && each.title !== each.name && (
                    <span className="block truncate text-xs text-muted">{each.title}</span>
                  )}
                </button>
              </li>
            ))}
          </ul>
        )}
      </Card>
      {offer && <CallForm key={`${part} ${offer.key}`} offer={offer} />}
    </div>
  )
}

function offersOf({ link, offered: { tools, resources, prompts } }: Opened): Record<Part, Offer[]> {
  return {
    tools: tools.map(({ name, title, description, inputSchema }) => ({
      key: name,
      name,
      title,
      description,
      schema: inputSchema as JsonSchema,
      act: 'Call',
      run: input => link.callTool(name, input),
    })),
    resources: resources.map(({ uri, name, title, description }) => ({
      key: uri,
      name: uri,
      title: title ?? name,
      description,
      schema: {},
      act: 'Read',
      run: () => link.readResource(uri),
    })),
    prompts: prompts.map(({ name, title, description, arguments: wanted = [] }) => ({
      key: name,
      name,
      title,
      description,
      schema: {
        properties: Object.fromEntries(
          wanted.map(each => [
            each.name,
            { type: 'string', ...(each.description && { description: each.description }) },
          ]),
        ),
        required: wanted.filter(each => each.required === true).map(each => each.name),
      },
      act: 'Get',
      run: input => link.getPrompt(name, input as Record<string, string>),
    })),
  }
}
