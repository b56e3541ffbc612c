/** The outcome of messages that a mail server without MOVE copied but refused to remove. */
import { describe, expect, test } from 'vitest'
import type { MessageWriter, MovedMessages } from '../imap/gateway-capabilities.ts'
import { Problem } from '../platform/problem.ts'
import { moveStep } from './move-step.ts'
import type { PlacedItem } from './operation-tables.ts'

const items = [1, 2, 3, 4].map(uid => ({ path: 'INBOX', uid_validity: 7, uid }) as PlacedItem)
const refused = () => Promise.reject(new Problem('mail_server_refused', 'Not permitted.'))

function told(verdicts: Awaited<ReturnType<typeof moveStep.send>>) {
  return items.map(item => {
    const { state, code = null, after_uid = null } = verdicts.get(item) ?? {}
    return [state, code, after_uid]
  })
}

test('each message is said to be where it is', async () => {
  const places = {
    uidValidity: 8,
    uids: new Map([
      [1, 11],
      [2, 12],
      [4, 14],
    ]),
  }
  const moved: MovedMessages = { places, left: [2, 3, 4], twice: [4] }
  const writer = { move: async () => moved } as unknown as MessageWriter
  expect(told(await moveStep.send(writer, items, { to: 'Archive' }, () => undefined))).toEqual([
    ['done', null, 11],
    ['done', 'marked_deleted', 12],
    ['failed', 'mail_server_refused', null],
    ['failed', 'mail_server_refused', null],
  ])
})

describe('the second half, after the connection was lost', () => {
  const finish = async (expunge: MessageWriter['expunge'], setFlags: MessageWriter['setFlags']) =>
    told((await moveStep.finish?.({ expunge, setFlags } as MessageWriter, items)) ?? new Map())

  test('what is neither removed nor marked is in both folders; what is not there any more has moved', async () => {
    const setFlags: MessageWriter['setFlags'] = async ({ uids }) => {
      expect(uids).toEqual([2, 3, 4])
      return [
        { uid: 2, flags: ['\\Deleted'] },
        { uid: 4, flags: ['\\Seen'] },
      ]
    }
    expect(await finish(async () => [1], setFlags)).toEqual([
      ['done', null, null],
      ['done', 'marked_deleted', null],
      ['done', null, null],
      ['failed', 'mail_server_refused', null],
    ])
  })

  test('a server that refuses all of it ends the operation', async () => {
    expect(new Set((await finish(refused, refused)).flat())).toEqual(new Set(['failed', 'mail_server_refused', null]))
    await expect(finish(() => Promise.reject(new Problem('mail_server_unreachable', 'x')), refused)).rejects.toThrow(
      'x',
    )
  })
})
