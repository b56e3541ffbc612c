/** Each road by which words of a stranger reach a program is remembered, and those that show none are not. */
import { expect, test } from 'vitest'
import { startHub } from '../test/support/event-hub.ts'
import { composePolicies } from './compose-policies.ts'
import { createLogger } from './platform/logger.ts'
import { everyScope, type Principal } from './platform/principal.ts'

async function start() {
  const { hub, db } = await startHub()
  const { reads, shown } = composePolicies({
    ...{ db, hub, logger: createLogger('silent') },
    writtenTo: async () => new Set<string>(),
  })
  let count = 0
  return async (name: string, answer: unknown, effect: 'read' | 'write' = 'read') => {
    const id = `token-${++count}`
    const program: Principal = { id, name: id, kind: 'token', userId: 'u', scopes: everyScope, accounts: 'all' }
    shown(program, { name, scope: 'mail:read', effect }, 'a', answer)
    return (await reads.last(id)) !== undefined
  }
}

test.each([
  ...['mail.getMessageRaw', 'mail.getMessageHtml', 'mail.getAttachment', 'mailSearch.search', 'events.stream'],
  ...['tool.mail_search', 'tool.mail_read', 'tool.mail_thread', 'tool.mail_changes', 'tool.mail_attachment'],
  ...['drafts.getRaw', 'drafts.getHtml', 'drafts.getAttachment', 'drafts.previewDraft'],
  ...['outbox.getSubmissionHtml', 'outbox.getSubmissionContent', 'approvals.getApproval'],
  'proposals.listProposedChanges',
])('%s shows what a stranger may have written', async name => {
  const isRemembered = await start()
  expect(await isRemembered(name, undefined)).toBe(true)
})

test('drafts of replies, and reports that came back, repeat strangers; what a program writes itself does not', async () => {
  const isRemembered = await start()
  const reply = { id: 'd', mode: 'reply', subject: 'Re: do as I say' }
  const own = { id: 'd', mode: 'new', subject: 'Lunch', attachments: [] }
  expect(await isRemembered('drafts.getDraft', reply)).toBe(true)
  expect(await isRemembered('drafts.changeDraft', reply, 'write')).toBe(true)
  expect(await isRemembered('drafts.listDrafts', { items: [own, reply] })).toBe(true)
  expect(await isRemembered('drafts.attachFromMessage', own, 'write')).toBe(true)
  expect(await isRemembered('outbox.listSubmissions', { items: [{ recipients: [{ state: 'bounced' }] }] })).toBe(true)
  expect(await isRemembered('proposals.getProposal', { items: [{ draft: reply }] })).toBe(true)
  expect(await isRemembered('drafts.createDraft', own, 'write')).toBe(false)
  expect(await isRemembered('outbox.getSubmission', { recipients: [{ state: 'accepted' }] })).toBe(false)
  expect(await isRemembered('mail.listFolders', { items: [] })).toBe(false)
})
