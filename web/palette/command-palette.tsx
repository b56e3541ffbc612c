/** The command palette: opens a page, account or folder, or runs an action, by a few letters of its name. */
import type { Early } from '../shell/early-field.tsx'
import { Picker } from '../ui/picker.tsx'
import type { PaletteItem } from './palette-items.ts'

/** The dialog; mount it while it is open. */
export function CommandPalette({
  items,
  early,
  onClose,
}: {
  items: readonly PaletteItem[]
  early: Early
  onClose(): void
}) {
  return (
    <Picker
      title="Go anywhere"
      label="Page, account, folder or action"
      items={items}
      early={early}
      onChoose={item => item.act()}
      onClose={onClose}
    />
  )
}
