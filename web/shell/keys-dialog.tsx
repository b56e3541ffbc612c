/** The list of keyboard shortcuts. */
import type { ReactNode } from 'react'
import { Dialog } from '../ui/dialog.tsx'
import { Switch } from '../ui/field.tsx'
import { goKeys, inboxKey, labelOfPage } from './go-keys.ts'
import { assistantKeys, paletteKeys } from './palette-keys.ts'

const selectAllKeys = paletteKeys.replace('K', 'A')

/** @param pages The pages that the user may open. */
export function KeysDialog({
  pages,
  hasSingleKeys,
  onSingleKeys,
  onClose,
}: {
  pages: readonly string[]
  hasSingleKeys: boolean
  onSingleKeys(isOn: boolean): void
  onClose(): void
}) {
  const going = Object.entries(goKeys).filter(([, href]) => pages.includes(href))
  return (
    <Dialog isOpen onClose={onClose} title="Keyboard shortcuts">
      <div className="grid gap-4">
        <Keys title="Everywhere">
          <Line keys={[paletteKeys]}>Go to a page, account or folder, or run an action</Line>
          {pages.includes('/assistant') && (
            <Line keys={[assistantKeys]}>Ask the assistant about this page, or close it</Line>
          )}
          <Line keys={['/']}>Search on this page</Line>
          <Line keys={['?']}>Show these shortcuts</Line>
          <Line keys={['Esc']}>Close what is open</Line>
        </Keys>
        <Keys title="Go to a page">
          {going.map(([key, href]) => (
            <Line key={key} keys={['g', key]}>
              {labelOfPage(href)}
            </Line>
          ))}
        </Keys>
        {pages.includes('/mail') && (
          <Keys title="In mail">
            <Line keys={['j']}>Next in the list; opens it while one is open</Line>
            <Line keys={['k']}>Previous in the list</Line>
            <Line keys={['o']}>Open it, as Enter does</Line>
            <Line keys={['u']}>Close it and go back to the list</Line>
            <Line keys={['x']}>Select it, or deselect it</Line>
            <Line keys={['Shift', 'click']}>Select a range</Line>
            <Line keys={[selectAllKeys]}>Select all, while the focus is in the list</Line>
            <Line keys={['e']}>Archive</Line>
            <Line keys={['#', 'Del']}>Move to trash; in the trash, delete permanently</Line>
            <Line keys={['!']}>Report as junk; in the junk folder, not junk</Line>
            <Line keys={['s']}>Add a star, or remove it</Line>
            <Line keys={['I']}>Mark as read (with Shift)</Line>
            <Line keys={['U']}>Mark as unread (with Shift)</Line>
            <Line keys={['v']}>Move to a folder</Line>
            <Line keys={['l']}>Label</Line>
            <Line keys={['z']}>Undo the last action</Line>
            <Line keys={['g', inboxKey]}>Inbox</Line>
            <Line keys={['c']}>New message</Line>
            <Line keys={['r']}>Reply</Line>
            <Line keys={['a']}>Reply to all</Line>
            <Line keys={['f']}>Forward</Line>
            <Line keys={['Ctrl', 'Enter']}>Send the message</Line>
          </Keys>
        )}
        {pages.includes('/approvals') && (
          <Keys title="In approvals">
            <Line keys={['a']}>Approve the message on screen, or apply what is selected of a proposal</Line>
            <Line keys={['e']}>Edit the message first</Line>
            <Line keys={['d']}>Deny or decline it</Line>
            <Line keys={['x']}>Select an item of a proposal, or deselect it</Line>
            <Line keys={['↓', '↑']}>Next or previous item of a proposal</Line>
            <Line keys={['j']}>Next</Line>
            <Line keys={['k']}>Previous</Line>
            <Line keys={['u']}>Close it and go back to the queue</Line>
          </Keys>
        )}
        {pages.includes('/logs') && (
          <Keys title="In the log">
            <Line keys={['j', '↓']}>Next line</Line>
            <Line keys={['k', '↑']}>Previous line</Line>
            <Line keys={['o']}>Open it, or close it, as Enter does</Line>
            <Line keys={['p']}>Pause, or go on</Line>
          </Keys>
        )}
        {pages.includes('/analytics') && (
          <Keys title="In a chart">
            <Line keys={['←', '→']}>Move the crosshair on all charts</Line>
            <Line keys={['+', '-']}>Show less time around it, or more</Line>
          </Keys>
        )}
        <Switch
          label="Keys without Ctrl or Command"
          hint={`Turn them off if you use dictation or press them by accident. ${paletteKeys} and ${assistantKeys} stay.`}
          isOn={hasSingleKeys}
          onChange={onSingleKeys}
        />
      </div>
    </Dialog>
  )
}

function Keys({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="grid gap-1.5">
      <h3 className="text-sm font-semibold">{title}</h3>
      <dl className="grid gap-x-6 gap-y-1 text-sm sm:grid-cols-2">{children}</dl>
    </section>
  )
}

/** @param keys Pressed one after the other. */
function Line({ keys, children }: { keys: readonly string[]; children: ReactNode }) {
  return (
    <div className="flex items-baseline gap-3">
      <dt className="w-24 shrink-0">
        {keys.map(key => (
          <kbd
            key={key}
            className="mr-1 inline-block rounded-sm border bg-sunken px-1.5 font-mono text-xs whitespace-nowrap"
          >
            {key}
          </kbd>
        ))}
      </dt>
      <dd className="min-w-0 text-soft">{children}</dd>
    </div>
  )
}
