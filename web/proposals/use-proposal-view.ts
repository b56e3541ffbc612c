/** The view state of a proposal: what is selected, expanded and read, and which items the last decision left out. */
import { useCallback, useMemo, useState } from 'react'
import type { ProposalDecision, ProposalDetail, ProposalItem } from '../../contract/proposal.ts'
import { choose, follow, isWaiting, mayApply, namesOf, openingOf, toggle } from './selection.ts'

/** By item id. */
type Failures = ReadonlyMap<string, { hash: string; why: string }>

export function useProposalView(detail: ProposalDetail) {
  const { items } = detail
  const [selection, setSelection] = useState(() => openingOf(items))
  // The screen shows the server's current items; the selection is what was reviewed.
  const followed = follow(selection, items)
  if (followed !== selection) setSelection(followed)
  const [opened, setOpened] = useState<ReadonlySet<string>>(() => new Set())
  const [seen, setSeen] = useState<ReadonlySet<string>>(() => new Set())
  const [editing, setEditing] = useState('')
  const [failures, setFailures] = useState<Failures>(() => new Map())
  const onSeen = useCallback((id: string, hash: string) => {
    setSeen(before => (before.has(`${id} ${hash}`) ? before : new Set([...before, `${id} ${hash}`])))
  }, [])
  const onOpen = useCallback((id: string, isOpen: boolean) => {
    setOpened(before => {
      const after = new Set(before)
      if (isOpen) after.add(id)
      else after.delete(id)
      return after
    })
  }, [])
  const isUnread = (item: ProposalItem) =>
    item.kind === 'message' && isWaiting(item) && item.approval_id !== null && !seen.has(`${item.id} ${item.hash}`)
  const waiting = useMemo(() => items.filter(isWaiting), [items])
  const applicable = items.filter(item => mayApply(item) && selection.chosen.has(item.id))
  return {
    selection,
    waiting,
    opened,
    editing,
    setEditing,
    failureOf: ({ id, hash }: ProposalItem) => {
      const failure = failures.get(id)
      return failure?.hash === hash ? failure.why : undefined
    },
    isUnread,
    onSeen,
    onOpen,
    toggle: (id: string) => setSelection(before => toggle(before, items, id)),
    chooseAll: (ids: readonly string[], isChosen: boolean) =>
      setSelection(before => choose(before, items, ids, isChosen)),
    /** What would be applied now, each as it was reviewed. */
    toApply: namesOf(selection, applicable),
    applicable,
    /** The first selected message that has not been on screen yet. */
    unread: applicable.filter(isUnread),
    toDecline: namesOf(selection, waiting),
    noteResults: (decision: ProposalDecision, done: 'applied' | 'declined') => setFailures(failuresOf(decision, done)),
  }
}

export type ProposalView = ReturnType<typeof useProposalView>

/** Returns the items that did not reach the intended state, with reasons. */
export function failuresOf({ proposal, results }: ProposalDecision, done: 'applied' | 'declined'): Failures {
  const hashes = new Map(proposal.items.map(({ id, hash }) => [id, hash]))
  return new Map(
    results
      .filter(({ state }) => state !== done)
      .map(({ id, why }) => [
        id,
        {
          hash: hashes.get(id) ?? '',
          why: why ?? (done === 'applied' ? 'It was not applied.' : 'It was not declined.'),
        },
      ]),
  )
}
