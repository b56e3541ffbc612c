/** The items of a proposal by kind, each kind with a checkbox for all. */
import { type ReactNode, type RefObject, useId } from 'react'
import type { ProposalDetail, ProposalItem, ProposedChange } from '../../contract/proposal.ts'
import { formatNumber } from '../platform/format.ts'
import { ItemCard } from './item-card.tsx'
import { groupItems, groupTitles, type ItemGroup } from './proposal-words.ts'
import { isWaiting, shareOf } from './selection.ts'
import type { ProposalView } from './use-proposal-view.ts'

export function ItemGroups({
  detail,
  view,
  scroller,
  changesOf,
}: {
  detail: ProposalDetail
  view: ProposalView
  scroller: RefObject<HTMLElement | null>
  changesOf(itemId: string): readonly ProposedChange[]
}) {
  const { waiting, selection } = view
  const wordsOf = (id: string) => detail.items.find(item => item.id === id && isWaiting(item))?.words ?? ''
  return (
    <div className="grid grid-cols-1 gap-4 px-3 py-3 md:px-4">
      {waiting.length > 1 && (
        <AllOf
          items={waiting}
          view={view}
          words={`All pending: ${selection.chosen.size} of ${formatNumber(waiting.length)} selected`}
        />
      )}
      {groupItems(detail.items).map(({ group, items }) => (
        <Group key={group} group={group} items={items} view={view}>
          {items.map(item => (
            <ItemCard
              key={item.id}
              item={item}
              acts={{
                onToggle: view.toggle,
                onOpen: view.onOpen,
                onSeen: view.onSeen,
                onEdited: () => view.setEditing(''),
              }}
              proposalId={detail.id}
              accountId={detail.account_id}
              scroller={scroller}
              changes={changesOf(item.id)}
              isChosen={selection.chosen.has(item.id)}
              isOpen={view.opened.has(item.id)}
              isEditing={view.editing === item.id}
              isUnread={selection.chosen.has(item.id) && view.isUnread(item)}
              news={selection.news.get(item.id)}
              failure={view.failureOf(item)}
              wordsOf={wordsOf}
            />
          ))}
        </Group>
      ))}
    </div>
  )
}

function Group({
  group,
  items,
  view,
  children,
}: {
  group: ItemGroup
  items: readonly ProposalItem[]
  view: ProposalView
  children: ReactNode
}) {
  const id = useId()
  const own = items.filter(isWaiting)
  return (
    <section aria-labelledby={id} className="grid min-w-0 grid-cols-1 gap-2">
      <div className="flex flex-wrap items-center justify-between gap-x-4">
        <h3 id={id} className="font-semibold">
          {groupTitles[group]} <span className="font-normal text-muted">({formatNumber(items.length)})</span>
        </h3>
        {own.length > 1 && own.length < view.waiting.length && (
          <AllOf items={own} view={view} words="All of these" of={groupTitles[group]} />
        )}
      </div>
      <ul aria-labelledby={id} className="grid min-w-0 grid-cols-1 gap-2">
        {children}
      </ul>
    </section>
  )
}

function AllOf({
  items,
  view,
  words,
  of,
}: {
  items: readonly ProposalItem[]
  view: ProposalView
  words: string
  /** Names the group for screen readers, where a heading shows it. */
  of?: string
}) {
  const share = shareOf(view.selection, items)
  return (
    <label className="flex min-h-11 cursor-pointer items-center gap-2.5 text-sm md:min-h-8">
      <input
        type="checkbox"
        className="size-4.5 shrink-0 accent-accent-fill"
        checked={share === 'all'}
        ref={box => {
          if (box) box.indeterminate = share === 'some'
        }}
        onChange={() =>
          view.chooseAll(
            items.map(({ id }) => id),
            share !== 'all',
          )
        }
      />
      <span>
        {words}
        {of !== undefined && <span className="sr-only">: {of}</span>}
      </span>
    </label>
  )
}
