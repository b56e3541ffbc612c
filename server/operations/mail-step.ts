/** What each kind of operation does to a group of messages: look, tell the mail server once, and look again when its response was lost. */
import type { MessageWriter } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { Change, Intent, PlacedItem } from './operation-tables.ts'
import type { Verdicts } from './source-messages.ts'

/** What was read before a group is changed. */
export interface Looked {
  verdicts: Verdicts
  intent?: Intent | undefined
}

export interface MailStep {
  /**
   * Reads only. What is to be done gets the state `sent`, with what is needed to find out later what became of it.
   * @param target How the target folder stood a moment ago, where that was read.
   */
  look(
    connection: MailConnection,
    items: readonly PlacedItem[],
    change: Change,
    target?: Intent,
  ): Promise<{ verdicts: Verdicts; intent: Intent | undefined }>
  /**
   * Sends the commands once; `UnknownOutcome` when it is not known what they did. Every other error says that nothing was done.
   * @param sent Called when the first one that changes something has left.
   */
  send(writer: MessageWriter, items: readonly PlacedItem[], change: Change, sent: () => void): Promise<Verdicts>
  /**
   * What became of messages that were `sent`. Those with the state `waiting` were not changed, and can be done again; those that still
   * are `sent` are half done.
   */
  lookAfter(
    connection: MailConnection,
    items: readonly PlacedItem[],
    change: Change,
    intent: Intent | undefined,
  ): Promise<Verdicts>
  /** Does the second half of what is half done. It may be done several times. */
  finish?(writer: MessageWriter, items: readonly PlacedItem[]): Promise<Verdicts>
}
