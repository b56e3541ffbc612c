/**
 * Reports what tools show of drafts and the outbox in the same way as endpoints that show the same. A part of the
 * composition root.
 */
import type { DraftToolsOptions } from './drafts/draft-tools.ts'
import type { OutboxToolsOptions } from './outbox/outbox-tools.ts'
import type { Principal } from './platform/principal.ts'
import type { Shown } from './platform/shown.ts'

export function reportingDrafts(
  { drafts, attachments }: Pick<DraftToolsOptions, 'drafts' | 'attachments'>,
  shown: Shown,
): Pick<DraftToolsOptions, 'drafts' | 'attachments'> {
  const report = reporting(shown)
  return {
    drafts: {
      create: async (principal, accountId, ...rest) =>
        report('drafts.createDraft', principal, accountId, await drafts.create(principal, accountId, ...rest)),
      change: async (principal, accountId, ...rest) =>
        report('drafts.changeDraft', principal, accountId, await drafts.change(principal, accountId, ...rest)),
      get: async (principal, accountId, draftId) =>
        report('drafts.getDraft', principal, accountId, await drafts.get(principal, accountId, draftId)),
    },
    attachments: {
      addFromMessage: async (owner, ...rest) => {
        const draft = await attachments.addFromMessage(owner, ...rest)
        return report('drafts.attachFromMessage', owner.principal, owner.accountId, draft)
      },
    },
  }
}

export function reportingOutbox(
  { outbox }: Pick<OutboxToolsOptions, 'outbox'>,
  shown: Shown,
): Pick<OutboxToolsOptions, 'outbox'> {
  const report = reporting(shown)
  return {
    outbox: {
      list: async (principal, query) =>
        report('outbox.listSubmissions', principal, undefined, await outbox.list(principal, query)),
      get: async (principal, id) =>
        report('outbox.getSubmission', principal, undefined, await outbox.get(principal, id)),
      cancel: async (principal, id) =>
        report('outbox.cancelSubmission', principal, undefined, await outbox.cancel(principal, id)),
    },
  }
}

function reporting(shown: Shown) {
  return async <Answer>(
    name: string,
    principal: Principal,
    accountId: string | undefined,
    answer: Answer,
  ): Promise<Answer> => {
    await shown(principal, { name, scope: 'mail:draft', effect: 'read' }, accountId, answer)
    return answer
  }
}
