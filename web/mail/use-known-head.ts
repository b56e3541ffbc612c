/** Shows the head of a message from its list row while the rest is loading. */
import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { Message, MessageSummary } from '../../contract/mail.ts'
import type { MailPage } from './mail-row.ts'

export function useKnownHead(accountId: string, ref: string): Message | undefined {
  const queries = useQueryClient()
  return useMemo(() => {
    const lists = queries.getQueriesData<MailPage>({
      predicate: ({ queryKey: [of, whose, kind] }) =>
        of === 'mail' &&
        (whose === accountId || whose === 'all') &&
        (kind === 'threads' || kind === 'messages' || kind === 'found'),
    })
    for (const [, page] of lists) {
      const row = page?.rows?.find(({ message }) => message.ref === ref)
      if (row) return headOf(row.message)
    }
    return undefined
  }, [queries, accountId, ref])
}

/** Builds a message head from a summary; unknown fields are left empty, so that they render no line. */
export function headOf(summary: MessageSummary): Message {
  return {
    ...summary,
    cc: [],
    cc_count: 0,
    bcc: [],
    bcc_count: 0,
    reply_to: [],
    reply_to_count: 0,
    sender: [],
    auth: null,
    sent_at: summary.date,
    in_reply_to: null,
    text: null,
    text_from: null,
    html: null,
    calendar: null,
    attached_to: null,
    parts_differ: false,
    is_truncated: false,
    attachments: [],
    attachment_count: 0,
    protection: [],
    unsubscribe: null,
  }
}
