/** The shortcuts of the palette and the assistant, in the notation of this platform. */
const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent)

export const paletteKeys = isMac ? '⌘K' : 'Ctrl+K'
export const assistantKeys = isMac ? '⌘J' : 'Ctrl+J'
