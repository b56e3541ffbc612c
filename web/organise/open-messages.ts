/** Patches the flags of the open conversation and message, which are not reloaded. */
import type { QueryClient } from '@tanstack/react-query'
import type { Message } from '../../contract/mail.ts'
import type { IndexedMessage } from '../../contract/mail-index.ts'
import { queryKeys } from '../platform/query-keys.ts'
import type { Named } from './named-rows.ts'
import { withChangedFlags } from './row-patches.ts'

type Thread = { messages: readonly IndexedMessage[] }

export function flagOpenMessages(
  queries: QueryClient,
  named: readonly Named[],
  { add, remove }: { add: readonly string[]; remove: readonly string[] },
): void {
  for (const [accountId, all] of Map.groupBy(named, ({ row }) => row.accountId)) {
    const names = new Set(all.flatMap(({ name, row }) => (row.count === 1 ? [name, row.message.ref] : [name])))
    for (const { row } of all) if (row.messageId !== undefined && row.count === 1) names.add(row.messageId)
    const isNamed = ({ id, ref }: { id?: string | undefined; ref: string }) =>
      names.has(ref) || (id !== undefined && names.has(id))
    queries.setQueriesData<Thread>(
      { queryKey: ['mail', accountId, 'thread'] },
      thread =>
        thread && {
          ...thread,
          messages: thread.messages.map(message =>
            isNamed(message) ? withChangedFlags(message, add, remove) : message,
          ),
        },
    )
    for (const name of names) {
      queries.setQueryData<Message>(
        queryKeys.message(accountId, name),
        message => message && withChangedFlags(message, add, remove),
      )
    }
  }
}
