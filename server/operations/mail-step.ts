/**
 * What each kind of operation does to a group of messages: look, send once, and look again if the response was lost.
 */
import type { MessageWriter } from '../imap/gateway-capabilities.ts'
import type { MailConnection } from '../imap/mail-gateway.ts'
import type { Change, Intent, PlacedItem } from './operation-tables.ts'
import type { Verdicts } from './source-messages.ts'

/** The result of the look at a group before it is changed. */
export interface Looked {
  verdicts: Verdicts
  intent?: Intent | undefined
}

export interface MailStep {
  /**
   * Reads only. Items to be changed get the state `sent`, with the data by which their outcome can be determined later.
   * @param target The recent state of the target folder, if it was already read.
   */
  look(
    connection: MailConnection,
    items: readonly PlacedItem[],
    change: Change,
    target?: Intent,
  ): Promise<{ verdicts: Verdicts; intent: Intent | undefined }>
  /**
   * Sends the commands once.
   * @param sent Called when the first command that changes something has been sent.
   * @throws UnknownOutcome when their effect is not known. Any other error means that nothing was done.
   */
  send(writer: MessageWriter, items: readonly PlacedItem[], change: Change, sent: () => void): Promise<Verdicts>
  /**
   * Determines the outcome of items in the state `sent`. Those that become `waiting` were not changed and can be sent
   * again; those that stay `sent` are half done.
   */
  lookAfter(
    connection: MailConnection,
    items: readonly PlacedItem[],
    change: Change,
    intent: Intent | undefined,
  ): Promise<Verdicts>
  /** Completes items that are half done. Idempotent. */
  finish?(writer: MessageWriter, items: readonly PlacedItem[]): Promise<Verdicts>
}
