/** Asks what an action needs before it runs: a folder, a label, or a confirmation. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Check, Folder as FolderIcon, Plus, Tag } from 'lucide-react'
import { useMemo } from 'react'
import type { Folder } from '../../contract/mail.ts'
import { roleIcons, useFolders } from '../mail/folder-list.tsx'
import { arrangeFolders, isSameFolder } from '../mail/folder-order.ts'
import type { MailPage, MailRow } from '../mail/mail-row.ts'
import { formatCount } from '../platform/format.ts'
import { visibleText } from '../platform/visible-text.ts'
import { ConfirmDialog } from '../ui/dialog.tsx'
import { Picker, type PickerItem } from '../ui/picker.tsx'
import { knownLabels, labelFrom, labelWords } from './label-words.ts'
import { nameMessages } from './named-rows.ts'
import { wordsOf } from './organiser.ts'
import { hasFlag, type PatchedList } from './row-patches.ts'
import type { MailActions, RequestedAction } from './use-mail-actions.ts'

/** Maximum rows searched for labels; further down they rarely differ. */
const mostRowsLookedAt = 1_000

export function ActionDialogs({ actions: { asked, run, close }, list }: { actions: MailActions; list: PatchedList }) {
  if (!asked) return null
  if (asked.action === 'delete') return <DeleteDialog rows={asked.rows} list={list} run={run} onClose={close} />
  if (asked.action === 'label') return <LabelPicker rows={asked.rows} run={run} onClose={close} />
  return <FolderPicker asked={asked} list={list} run={run} onClose={close} />
}

interface FolderItem extends PickerItem {
  path: string
}

function FolderPicker({
  asked: { action, rows },
  list,
  run,
  onClose,
}: {
  asked: RequestedAction
  list: PatchedList
  run: MailActions['run']
  onClose(): void
}) {
  const { data, error } = useFolders(rows[0]?.accountId ?? '')
  const isHere = (path: string) => list.folder !== undefined && isSameFolder(path, list.folder)
  const items = arrangeFolders(data?.items ?? [])
    .filter(({ folder: { path, selectable } }) => selectable && !(action === 'move' && isHere(path)))
    .map(({ folder }) => itemOf(folder))
  const choose = ({ path, name }: FolderItem) =>
    run({ kind: action === 'copy' ? 'copy' : 'move', target: { folder: path }, to: name }, rows)
  const title = `${action === 'copy' ? 'Copy' : 'Move'} ${wordsOf(rows)} to`
  return (
    <Picker
      title={title}
      label={`${title}…`}
      items={items}
      note={error ? error.message : data ? undefined : 'Loading the folders.'}
      onChoose={choose}
      onClose={onClose}
    />
  )
}

function itemOf({ path, name, delimiter, role }: Folder): FolderItem {
  const parents = delimiter ? path.split(delimiter).slice(0, -1).join(' / ') : ''
  const icon = role === null ? FolderIcon : roleIcons[role]
  return { id: path, path, name: visibleText(name), detail: visibleText(parents), kind: '', icon }
}

/** Returns the keywords of all messages in loaded lists. */
function useKeywords(): Iterable<string> {
  const queries = useQueryClient()
  return useMemo(() => {
    const lists = queries.getQueriesData<MailPage>({ predicate: ({ queryKey: [of] }) => of === 'mail' })
    const rows = lists.flatMap(([, page]) => (Array.isArray(page?.rows) ? page.rows.slice(0, mostRowsLookedAt) : []))
    return new Set(rows.flatMap(({ message }) => message.keywords))
  }, [queries])
}

interface LabelItem extends PickerItem {
  keyword: string
  isOn: boolean
}

function LabelPicker({ rows, run, onClose }: { rows: readonly MailRow[]; run: MailActions['run']; onClose(): void }) {
  const items = knownLabels(useKeywords()).map(keyword => {
    const isOn = rows.every(row => hasFlag(row, keyword))
    return labelItem(keyword, labelWords(keyword) ?? keyword, isOn ? 'remove' : '', isOn)
  })
  const madeOf = (typed: string) => {
    const keyword = labelFrom(typed)
    const isKnown = items.some(({ name }) => name.toLowerCase() === (keyword && labelWords(keyword))?.toLowerCase())
    return keyword === undefined || isKnown ? undefined : labelItem(keyword, `New label: ${keyword}`, '', false)
  }
  const choose = ({ keyword, isOn }: LabelItem) =>
    run({ kind: 'flags', add: isOn ? [] : [keyword], remove: isOn ? [keyword] : [] }, rows)
  return (
    <Picker
      title={`Label ${wordsOf(rows)}`}
      label={`Label ${wordsOf(rows)}…`}
      items={items}
      madeOf={madeOf}
      note="Labels may contain unaccented letters, digits and most symbols."
      onChoose={choose}
      onClose={onClose}
    />
  )
}

function labelItem(keyword: string, name: string, kind: string, isOn: boolean): LabelItem {
  const icon = isOn ? Check : name.startsWith('New label') ? Plus : Tag
  return { id: keyword, keyword, name, detail: '', kind, icon, isOn }
}

/** States the number of messages, which for conversations has to be looked up. */
function DeleteDialog({
  rows,
  list,
  run,
  onClose,
}: {
  rows: readonly MailRow[]
  list: PatchedList
  run: MailActions['run']
  onClose(): void
}) {
  const { data: named, error } = useQuery({
    queryKey: ['to-delete', list.key, ...rows.map(({ key }) => key)],
    queryFn: () => nameMessages(rows, { kind: 'delete' }, list.folder),
    gcTime: 0,
    staleTime: 0,
  })
  const words = named ? formatCount(named.length, 'message') : wordsOf(rows)
  return (
    <ConfirmDialog
      isOpen
      title={`Delete ${words} permanently?`}
      confirmLabel={`Delete ${words}`}
      isBusy={!named && !error}
      error={error}
      onConfirm={() => {
        if (!named) return
        run({ kind: 'delete' }, rows, undefined, named)
        onClose()
      }}
      onClose={onClose}
    >
      <p className="text-sm">
        {named?.length === 1 ? 'It is' : 'They are'} removed from the mail server, bypassing the trash. This cannot be
        undone.
      </p>
    </ConfirmDialog>
  )
}
