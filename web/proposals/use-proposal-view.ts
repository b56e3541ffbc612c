/** What a person has done with a proposal on this screen: chosen, opened, read; and what the last decision left as it was. */
import { useCallback, useMemo, useState } from 'react'
import type { ProposalDecision, ProposalDetail, ProposalItem } from '../../contract/proposal.ts'
import { choose, follow, isWaiting, mayApply, namesOf, openingOf, toggle } from './selection.ts'

/** By id of the item. */
type Failures = ReadonlyMap<string, { hash: string; why: string }>

export function useProposalView(detail: ProposalDetail) {
  const { items } = detail
  const [selection, setSelection] = useState(() => openingOf(items))
  // What is on screen is what the server has now; what was chosen is what was looked at.
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
    /** What would be applied now, each as it was looked at. */
    toApply: namesOf(selection, applicable),
    applicable,
    /** The first message that is chosen and was not on screen yet. */
    unread: applicable.filter(isUnread),
    toDecline: namesOf(selection, waiting),
    noteResults: (decision: ProposalDecision, done: 'applied' | 'declined') => setFailures(failuresOf(decision, done)),
  }
}

export type ProposalView = ReturnType<typeof useProposalView>

/** Items that are not what they were to become, with the reason. */
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
