/** Chooses the text of a message for people and programs: its text parts, or the HTML's text where these are stubs. */
import type { Message } from '../../contract/mail.ts'
import type { NoOutcome } from '../reading/job-cache.ts'
import { joinTexts, type MessageParts, type ReadParts } from '../reading/read-text.ts'

type ChosenText = Pick<Message, 'text' | 'text_from' | 'parts_differ'>

/** Replaces an HTML part within the text that could not be read. */
export const unreadPart = '[A part in HTML could not be read in time.]'

/** @param read Reads both parts; only called when there is HTML. */
export async function chooseText(parts: MessageParts, read: () => Promise<ReadParts | NoOutcome>): Promise<ChosenText> {
  const { text, html, textBody } = parts
  const written: ChosenText = { text, text_from: text === null ? null : 'text', parts_differ: false }
  if (html === null) return written
  const outcome = await read()
  const isMixed = textBody?.some(({ kind }) => kind === 'html') ?? false
  if (typeof outcome === 'object') {
    const { differ, told } = outcome
    return { ...written, ...(told && { text: told.text, text_from: told.from }), parts_differ: differ }
  }
  const hasText = text !== null && text.trim() !== ''
  if (!isMixed || !textBody) return { ...written, parts_differ: hasText ? null : false }
  const texts = textBody.map(item => (item.kind === 'plain' ? item.content : item.kind === 'html' ? unreadPart : ''))
  return { text: joinTexts(texts), text_from: 'text', parts_differ: null }
}
