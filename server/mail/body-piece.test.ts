/** A body in pieces: each is whole characters, and all of them are the body. */
import { expect, test } from 'vitest'
import { bodyPiece } from './body-piece.ts'

type Message = Parameters<typeof bodyPiece>[0]
const message = { html: null, text: null, is_truncated: false, faults: [], attached_to: null } as unknown as Message
const body = `${'a'.repeat(3)}😀b📬${'😀'.repeat(4)}`
const parts = { plain: body, shown: body, fresh: body, readFrom: 'text', differ: false, told: null } as const

test.each([1, 2, 3, 4, 5, 6, 7])('in steps of %i no piece has half of a character', length => {
  const pieces: string[] = []
  // A piece without room for its first character does not advance, and its reader asks for more.
  for (let offset = 0, room = length; ; ) {
    const piece = bodyPiece(message, parts, 'text', { offset, isStandIn: false }, room)
    pieces.push(piece.untrusted_body ?? '')
    if (!piece.next) break
    room = piece.next.offset === offset ? room + 1 : length
    offset = piece.next.offset
  }
  expect(pieces.filter(piece => !piece.isWellFormed())).toEqual([])
  expect(pieces.join('')).toBe(body)
})

test('a place in the middle of a character, which no cursor of ours names, begins behind it', () => {
  const piece = bodyPiece(message, parts, 'text', { offset: 4, isStandIn: false }, 4)
  expect(piece).toMatchObject({ untrusted_body: 'b📬', next: { offset: 8 } })
})
