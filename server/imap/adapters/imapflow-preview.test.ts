/** The first bytes of a text part, wherever they end; and of which part. */
import type { ImapFlow, MessageStructureObject } from 'imapflow'
import { describe, expect, test } from 'vitest'
import { decode, fetchPreviews } from './imapflow-preview.ts'

const bytes = (text: string) => Buffer.from(text, 'latin1')

test.each([
  ['base64', 'utf-8', 'R3LDvMOfZSBhdXM=', 'Grüße aus'],
  // Cut in the middle of a group, and of a character.
  ['BASE64', 'UTF-8', 'R3LDvMO', 'Grü'],
  ['quoted-printable', 'iso-8859-1', 'Gr=FC=DFe, a =\r\nlong line=F', 'Grüße, a long line'],
  ['quoted-printable', 'utf-8', '100 =25 =zz =', '100 % =zz '],
  ['7bit', 'us-ascii', 'plain', 'plain'],
  ['8bit', 'windows-1252', '\x80 5', '€ 5'],
  ['', 'no-such-charset', 'still read', 'still read'],
  // Decoded as the message itself is when it is opened.
  ['8bit', 'cp850', 'Gr\x81\xe1e', 'Grüße'],
  ['7bit', 'unicode-1-1-utf-7', 'Gr+APwA3w-e', 'Grüße'],
  ['8bit', 'utf-8', 'Gr\xfc\xdfe', 'Grüße'],
  ['8bit', null, 'Gr\xc3\xbc\xc3\x9fe', 'Grüße'],
])('%s in %s', async (encoding, charset, raw, wanted) => {
  expect(await decode(bytes(raw), { encoding, charset })).toBe(wanted)
})

describe('the part that tells how a message begins', () => {
  type Node = Partial<MessageStructureObject>
  const [plain, html, picture] = [{ type: 'text/plain' }, { type: 'text/html' }, { type: 'image/png' }] as const
  const attached = { type: 'text/plain', disposition: 'attachment' }
  const numbered = (node: Node, part = ''): Node => ({
    ...node,
    ...(part === '' ? {} : { part }),
    ...(node.childNodes
      ? { childNodes: node.childNodes.map((each, at) => numbered(each, `${part}${part && '.'}${at + 1}`)) as never }
      : {}),
  })
  const multipart = (kind: string, ...childNodes: Node[]): Node => ({
    type: `multipart/${kind}`,
    childNodes: childNodes as never,
  })
  /** Every part holds its own place as text. */
  const partOf = async (structure: Node) => {
    const fetchAll = async (_uids: string, { bodyParts }: { bodyParts?: { key: string }[] }) => {
      const key = bodyParts?.[0]?.key
      if (key === undefined) return [{ uid: 7, bodyStructure: numbered(structure) }]
      return [{ uid: 7, bodyParts: new Map([[key.toLowerCase(), Buffer.from(key)]]) }]
    }
    return (await fetchPreviews({ fetchAll } as unknown as ImapFlow, [7], 100)).get(7)
  }

  test.each<[string, Node, string | undefined]>([
    ['a text alone', plain, 'TEXT'],
    ['HTML alone', html, undefined],
    ['the text among alternatives, first or last', multipart('alternative', html, plain), '2'],
    ['the text of alternatives inside', multipart('mixed', multipart('alternative', plain, html), plain), '1.1'],
    [
      'the text of alternatives that are texts with pictures',
      multipart('alternative', multipart('related', html, picture), multipart('mixed', plain, picture)),
      '2.1',
    ],
    ['a text with a footer in HTML', multipart('mixed', plain, html), '1'],
    ['no footer behind HTML', multipart('mixed', html, plain), undefined],
    [
      'no footer behind alternatives that are HTML alone',
      multipart('mixed', multipart('alternative', html), plain),
      undefined,
    ],
    ['a text behind a picture', multipart('mixed', picture, plain), '2'],
    ['no attached text', multipart('mixed', attached, plain), '2'],
    [
      'nothing of an attached message',
      multipart('mixed', { type: 'message/rfc822', childNodes: [plain] as never }),
      undefined,
    ],
  ])('%s', async (_what, structure, wanted) => {
    expect(await partOf(structure)).toBe(wanted)
  })
})
