/** Goes to a page, an account or a folder, or runs an action, found by a few letters of its name. */
import { Picker } from '../ui/picker.tsx'
import type { PaletteItem } from './palette-items.ts'

/** Mounted while it is open. */
export function CommandPalette({
  items,
  typed,
  opener,
  onClose,
}: {
  items: readonly PaletteItem[]
  typed: string
  opener: Element | null
  onClose(): void
}) {
  return (
    <Picker
      title="Go anywhere"
      label="Page, account, folder or action"
      items={items}
      typed={typed}
      opener={opener}
      onChoose={item => item.act()}
      onClose={onClose}
    />
  )
}
