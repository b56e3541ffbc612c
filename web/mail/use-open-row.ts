/** The open message as a row for actions on it, whether or not its list contains it. */
import { useQuery } from '@tanstack/react-query'
import { type RefObject, useImperativeHandle, useMemo } from 'react'
import type { IndexedMessage } from '../../contract/mail-index.ts'
import { queryKeys } from '../platform/query-keys.ts'
import { type MailRow, rowOfMessage, rowOfThread } from './mail-row.ts'
import { subjectOf } from './mail-words.ts'
import { useMessage } from './open-message.tsx'
import { useKnownHead } from './use-known-head.ts'

interface Options {
  accountId: string
  messageRef: string
  /** Empty for a single message. */
  threadId: string
  opened: RefObject<(() => MailRow | undefined) | null>
}

export function useOpenRow({ accountId, messageRef, threadId, opened }: Options): MailRow | undefined {
  const known = useKnownHead(accountId, messageRef)
  const { data: message } = useMessage(accountId, messageRef, false)
  // Only reads the cache; the reading pane loads the thread.
  const { data: thread } = useQuery<{ messages: readonly IndexedMessage[] }>({
    enabled: false,
    queryKey: queryKeys.thread(accountId, threadId),
  })
  const row = useMemo(() => {
    const messages = threadId === '' ? [] : (thread?.messages ?? [])
    const newest = messages.at(-1)
    if (newest && messages.length > 1) {
      const unread = messages.filter(({ flags }) => !flags.includes('seen')).length
      return rowOfThread(accountId, {
        id: threadId,
        subject: subjectOf(newest),
        messages: messages.length,
        unread,
        newest,
      })
    }
    const head = newest ?? message ?? known
    return messageRef !== '' && head ? rowOfMessage(accountId, head) : undefined
  }, [accountId, messageRef, threadId, thread, message, known])
  useImperativeHandle(opened, () => () => row, [row])
  return row
}
