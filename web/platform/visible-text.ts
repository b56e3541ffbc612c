/** Makes untrusted text safe to show: characters that hide or reorder others become �. */
import { hiddenCharacter } from '../../contract/mail.ts'

const hidden = new RegExp(`(?:${hiddenCharacter})+`, 'gu')

/** Makes untrusted text safe for one line: characters that hide or reorder others become �. */
export function visibleText(text: string): string {
  return text.replaceAll(hidden, '\ufffd')
}

/** Does the same for several lines, and keeps tabs. */
export function visibleLines(text: string): string {
  return text
    .split(/\r\n|\n|\r/)
    .map(line => line.split('\t').map(visibleText).join('\t'))
    .join('\n')
}
