/** Operations serialized without validation match the contract, and equal those serialized from data. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { OperationWithResults } from '../../contract/operations.ts'
import { principalOf } from '../../test/support/operation-world.ts'
import { MessageRefs } from '../imap/message-ref.ts'
import { Signer } from '../platform/secret-box.ts'
import { newFolderOperation, newItem, newOperation } from './new-operation.ts'
import type { ItemRow } from './operation-tables.ts'
import { toResultsText } from './operation-text.ts'
import { toResults } from './operation-view.ts'

const refs = new MessageRefs(new Signer(randomBytes(32)))
const accountId = '0123456789abcdef'

test('results as text are those of the contract, whatever words folders and mail servers have', () => {
  const given = { id: '0123456789abcdef', accountId, kind: 'move' as const, args: { to: 'Ar"chi\\ve' } }
  const operation = newOperation(principalOf('agent', { name: 'A "name"', workSession: 'run-"1"' }), given)
  const paths = ['INBOX', 'Pöst "a"\n', 'half \ud800', 'x'.repeat(900)]
  const states: Partial<ItemRow>[] = [
    {},
    { state: 'sent' },
    { state: 'done', after_path: 'Ar"chi\\ve', after_uid_validity: 4_294_967_295, after_uid: 4_294_967_294 },
    { state: 'failed', code: 'mail_server_refused', why: 'No "such"\\ thing\r\n\u2028 \ud800' },
    { state: 'unknown', code: 'unknown', why: '' },
  ]
  const items = Array.from({ length: 60 }, (_, position) => {
    const place = { path: paths[position % paths.length]!, uidValidity: 1 + (position % 3), uid: 2 ** 31 + position }
    const messageId = position % 7 === 0 ? null : 'mT8Zq1cW0bVx-5RkYw3E'
    const found = { messageId, place, identity: null }
    return { ...newItem(operation, position, '{}', found), ...states[position % states.length] }
  })
  const missing = { code: 'message_not_found' as const, why: 'There is no such message in this account.' }
  const all = [...items, newItem(operation, items.length, '{}', missing)]
  const text = toResultsText(operation, all, refs)
  const wanted = toResults(operation, all, refs)
  // Lone surrogates cannot be sent, so both forms replace them.
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(wanted)))
  const checked = OperationWithResults.parse(JSON.parse(text))
  expect(checked).toEqual(JSON.parse(text))
  expect(new Set(checked.results.map(({ ref }) => ref)).size).toBeGreaterThan(40)
})

test('an operation on a folder, and one without messages, too', () => {
  const args = { folder: 'Old "x"', to: 'New' }
  const { operation, items } = newFolderOperation(principalOf('agent'), {
    ...{ id: '0123456789abcdef', accountId, kind: 'rename_folder', args },
  })
  for (const some of [items, []]) {
    expect(JSON.parse(toResultsText(operation, some, refs))).toEqual(toResults(operation, some, refs))
  }
})
