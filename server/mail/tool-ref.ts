/** References of messages as tools give them: they say by themselves of which account they are, so that a model need not. */
import { z } from 'zod'

export interface NamedMessage {
  accountId: string
  /** As REST takes it. Its signature holds for this account alone. */
  ref: string
}

/** Account and reference; a dot is in neither. */
export const ToolRef = z.string().regex(/^[\w-]{1,40}\.[\w-]{8,700}$/, 'is not a ref of mail_search')

export function toToolRef({ accountId, ref }: NamedMessage): string {
  return `${accountId}.${ref}`
}

/** @param text A `ToolRef`. */
export function fromToolRef(text: string): NamedMessage {
  const [accountId = '', ref = ''] = text.split('.')
  return { accountId, ref }
}
