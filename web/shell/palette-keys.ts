/** The keys that open the palette and the assistant, as the keyboard at hand calls them. */
const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent)

export const paletteKeys = isMac ? '⌘K' : 'Ctrl+K'
export const assistantKeys = isMac ? '⌘J' : 'Ctrl+J'
