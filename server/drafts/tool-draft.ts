/** Drafts as tools name them: with their account, so that a model need not. */
import { z } from 'zod'

export const ToolDraft = z.string().regex(/^[\w-]{1,40}\.d[\w-]{21}$/, 'is not a draft of mail_draft')

export function toToolDraft({ accountId, draftId }: { accountId: string; draftId: string }): string {
  return `${accountId}.${draftId}`
}

/** @param text A `ToolDraft`. */
export function fromToolDraft(text: string): { accountId: string; draftId: string } {
  const [accountId = '', draftId = ''] = text.split('.')
  return { accountId, draftId }
}
