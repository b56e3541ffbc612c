import parser from 'imapflow/lib/handler/imap-parser'
import * as tools from 'imapflow/lib/tools'
import { describe, expect, it } from 'vitest'
import { type ListReaders, readRow } from './imapflow-row-reader.ts'

const lists = tools as unknown as ListReaders
const person = (name: string, local: string) => `("${name}" NIL "${local}" "example.org")`
const envelope = (subject: string) =>
  `("Mon, 01 Jan 2024 10:00:00 +0000" ${subject} (${person('A \\"B\\" \\\\ C', 'a')}${person('', 'b')}) NIL NIL ((NIL NIL "c" NIL)(NIL NIL NIL NIL)) NIL NIL "<0@x>" " <1@x> ")`
const plain = '("text" "plain" ("charset" "utf-8" "format" "flowed") NIL NIL "8bit" 12 1 NIL NIL NIL NIL)'
const file =
  '("application" "pdf" ("name*0*" "utf-8\'\'a%20" "name*1" "b.pdf" "__proto__" "x") "<i@x>" "d" "BASE64" 99 NIL ("attachment" ("filename" "=?utf-8?Q?caf=C3=A9?=")) ("de" "en") "loc")'
const attached = `("message" "rfc822" NIL NIL NIL "7bit" 50 ${envelope('"in"')} ${plain} 3 NIL NIL NIL NIL)`
const fields = 'BODY[HEADER.FIELDS (FROM TO SUBJECT REFERENCES)]'

/** Rows as servers write them; what stands in ⟨⟩ is a literal. */
const rows: Record<string, string> = {
  'all that the index asks for': `* 7 FETCH (UID 9 FLAGS (\\Seen $Forwarded NonJunk) INTERNALDATE "02-Jan-2024 03:04:05 +0100" RFC822.SIZE 1234 MODSEQ (77) ENVELOPE ${envelope('"hello"')} BODYSTRUCTURE ${plain} ${fields} ⟨From: a\r\nReferences: <1@x>\r\n\r\n⟩)`,
  'a subject in a literal, in UTF-8': `* 1 FETCH (UID 1 RFC822.SIZE 1 ENVELOPE ${envelope('⟨grüße "x" \\ y⟩')})`,
  'quoted UTF-8, also broken': `* 1 FETCH (UID 1 RFC822.SIZE 1 ENVELOPE ${envelope('"gr\u00fc\u00dfe \\" \ud83d\ude00"')})`,
  'several parts': `* 2 FETCH (BODYSTRUCTURE (${plain}${file}${attached} "MIXED" ("boundary" "b") NIL NIL NIL) UID 3)`,
  'parts, empty ones too':
    '* 3 FETCH (UID 4 BODY[1]<0> ⟨text\r\n⟩ BODY[1.2]<0> ⟨⟩ BODY[TEXT]<0> "short" BODY[CUT] "from=3 headers=1")',
  'ids of other servers': '* 4 FETCH (UID 5 EMAILID (M12-_x) RFC822.SIZE 0)',
  'ids of Gmail': '* 4 FETCH (X-GM-MSGID 1278455344230334865 UID 5 FLAGS ())',
  'a date that is none': '* 4 FETCH (UID 5 INTERNALDATE "yesterday" FLAGS (\\Flagged))',
}

/** Splits a row as ImapFlow does, in bytes, without its line end. */
function split(row: string): { payload: Buffer; literals: Buffer[] } {
  const literals: Buffer[] = []
  const text = row.replaceAll(/⟨([^⟩]*)⟩/g, (_, literal: string) => {
    literals.push(Buffer.from(literal))
    return `{${literals.at(-1)!.length}}\r\n`
  })
  return { payload: Buffer.from(text), literals }
}

async function ofImapFlow(payload: Buffer, literals: readonly Buffer[]): Promise<Record<string, unknown> | undefined> {
  try {
    const parsed = await parser(payload, { literals: [...literals] })
    const mailbox = { path: 'INBOX', uidValidity: 1n } as never
    const { id, modseq, threadId, flagColor, ...row } = (await tools.formatMessageResponse(
      parsed as never,
      mailbox,
      'md5',
      undefined as never,
    )) as unknown as Record<string, unknown>
    return { ...row, uid: row.uid ?? 0 }
  } catch {
    return undefined
  }
}

describe('a row that is read here', () => {
  for (const [name, row] of Object.entries(rows)) {
    it(`says what ImapFlow says: ${name}`, async () => {
      const { payload, literals } = split(row)
      const read = readRow(payload, literals, lists)
      expect(read).toBeDefined()
      expect(read).toEqual(await ofImapFlow(payload, literals))
    })
  }

  it('says what ImapFlow says, or nothing, however it is damaged', async () => {
    let seed = 1
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const bytes = [...Buffer.from('()"\\{}[]<> \r\n\0%*,:0aN~'), 0xc3, 0xff]
    let readHere = 0
    for (let round = 0; round < 6_000; round++) {
      const { payload, literals } = split(Object.values(rows)[round % 8]!)
      const damaged = [...payload]
      for (let left = 1 + random(2); left > 0; left--) {
        const put = random(3) > 0 ? [bytes[random(bytes.length)]!] : []
        damaged.splice(12 + random(damaged.length - 12), random(2), ...put)
      }
      const line = Buffer.from(damaged)
      const read = readRow(line, literals, lists)
      if (read === undefined) continue
      const other = await ofImapFlow(line, literals)
      // Some that ImapFlow leaves out are no riddle.
      if (other === undefined) continue
      readHere++
      expect(read, line.toString('latin1')).toEqual(other)
    }
    expect(readHere).toBeGreaterThan(1_000)
  })

  it('is none where a literal is missing, is too short, or is left over', () => {
    const { payload, literals } = split(rows['all that the index asks for']!)
    expect(readRow(payload, [], lists)).toBeUndefined()
    expect(readRow(payload, [literals[0]!.subarray(1)], lists)).toBeUndefined()
    expect(readRow(payload, [...literals, literals[0]!], lists)).toBeUndefined()
  })

  it.each(['UID 00000000012', 'UID 4294967296', 'RFC822.SIZE 00000000000000012', 'EMAILID ("" "M1")', 'EMAILID ()'])(
    'is none where ImapFlow would see something else: %s',
    item => {
      expect(readRow(Buffer.from(`* 1 FETCH (${item})`), [], lists)).toBeUndefined()
    },
  )

  it('is none where lists go too deep', () => {
    const deep = `${'('.repeat(200)}NIL${')'.repeat(200)}`
    expect(readRow(Buffer.from(`* 1 FETCH (UID 1 BODYSTRUCTURE ${deep})`), [], lists)).toBeUndefined()
  })
})
