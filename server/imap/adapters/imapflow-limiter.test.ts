/** What passes as it is, what is cut of rows, and that it never matters where the network breaks what a server says. */
import { describe, expect, test } from 'vitest'
import { ResponseLimiter } from './imapflow-limiter.ts'

/** Returns the output for input in chunks of this length. */
function passed(words: string, pieceLength = words.length): string {
  const limiter = new ResponseLimiter({ maxLiteralBytes: 10_000_000 })
  const bytes = Buffer.from(words, 'latin1')
  const out: string[] = []
  for (let at = 0; at < bytes.length; at += pieceLength) {
    out.push(limiter.push(bytes.subarray(at, at + pieceLength)).toString('latin1'))
  }
  return out.join('')
}

/** Returns the output for one chunk, single bytes and uneven chunks, which must agree. */
function throughAll(words: string): string {
  const whole = passed(words)
  for (const length of [1, 7, 1024]) expect(passed(words, length) === whole, `in pieces of ${length}`).toBe(true)
  return whole
}

const row = (items: string) => `* 12 FETCH (UID 7 ${items} RFC822.SIZE 5)\r\n`
const part = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)'
const address = (name: string) => `(NIL NIL "${name}" "example.org")`
const envelope = (fields: { subject?: string; to?: string; cc?: string; id?: string }) => {
  const { subject = '"hello"', to = `(${address('bob')})`, cc = 'NIL', id = '"<1@x>"' } = fields
  const from = `(${address('anna')})`
  return `ENVELOPE ("Mon, 1 Jan 2026 00:00:00 +0000" ${subject} ${from} ${from} ${from} ${to} ${cc} NIL NIL ${id})`
}

test('what a server says passes as it is, also what looks like a row or like a literal and is none', () => {
  const structure = `BODYSTRUCTURE (${part}("text" "html" NIL NIL NIL "7bit" 5 1)("image" "png" ("name" {5}\r\na"(\\x) NIL NIL "base64" 9) "mixed" ("boundary" "x\\"(\\\\") NIL NIL)`
  const all = [
    '* OK [CAPABILITY IMAP4rev1] ready {12}\r ok\r\n',
    '\0\0* 3 EXISTS\r\n* SEARCH 1 2 3\r\n* LIST (\\HasNoChildren) "/" {7}\r\nFETCH (\r\n',
    '* LIST () "/" {3}\r\n{5}\r\n* OK still in step\r\n',
    '+ idling\r\n* 3 FETCH (FLAGS (\\Seen))\r\nt1 OK done\r\n\r\n',
    row(`FLAGS (\\Seen $Junk) INTERNALDATE "1-Jan-2026 00:00:00 +0000" ${structure} ${envelope({})}`),
    row('BODY[HEADER.FIELDS (FROM TO)]<0> {10}\r\nFrom: (\r\n\r BODY[1.MIME] {2}\r\n\r\n BODY[1] "a (b) \\" ) c"'),
    row(`BODY[1]<0> {${Buffer.byteLength(part)}}\r\n${part} MODSEQ (5) X-GM-LABELS ("\\\\Inbox" {2}\r\n)( NIL)`),
    '* 12 fetch (uid 7 body[] {3}\r\n{9} flags ())\r\n',
    '* 7 FETCH () \r\n* x FETCH (A\r\n* FETCH 7 (B\r\n',
  ]
  for (const words of all) expect(throughAll(words)).toBe(words)
  expect(throughAll(all.join(''))).toBe(all.join(''))
})

test('what a silent STORE tells of each message is left out, and nothing else', () => {
  const bounds = { lineBytes: 1_000, isSilent: true }
  const left = (words: string) => new ResponseLimiter({ bounds }).push(Buffer.from(words, 'latin1')).toString('latin1')
  const told = (uid: number) => `* ${uid} FETCH (UID ${uid} MODSEQ (9223372036854775807))\r\n`
  const changed = '* 3 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (7))\r\n* 4 FETCH (UID 4 MODSEQ (7)) \r\n'
  const literal = `* 5 FETCH (UID 5 BODY[] {${told(5).length}}\r\n${told(5)})\r\n`
  const end = '1 OK done {1}\r\n'
  const words = `${told(1)}${told(4294967295)}* 2 FETCH (MODSEQ (7) UID 2)\r\n${changed}${told(6)}${literal}${told(8)}${end}`
  expect(left(words)).toBe(`${changed}${literal}${end}`)
  // Truncated ones, as when the network fails, pass.
  const limiter = new ResponseLimiter({ bounds })
  const at = told(1).length + 9
  const pieces = [words.slice(0, at), words.slice(at)].map(piece => limiter.push(Buffer.from(piece, 'latin1')))
  expect(Buffer.concat(pieces).toString('latin1')).toBe(`${told(4294967295)}${changed}${literal}${end}`)
  bounds.isSilent = false
  expect(left(words)).toBe(words)
})

test('a chunk of which nothing is cut is passed on itself, not as a copy', () => {
  const chunk = Buffer.from(row(`FLAGS (\\Seen) BODYSTRUCTURE (${part} "mixed") ${envelope({})}`))
  expect(new ResponseLimiter().push(chunk)).toBe(chunk)
})

describe('of what strangers decide', () => {
  test('the first parts are kept, all are counted, and the multipart around them stays one', () => {
    const words = row(`BODYSTRUCTURE (${part.repeat(2_000)} "mixed" ("boundary" "b") NIL NIL NIL) FLAGS ()`)
    const kept = `BODYSTRUCTURE (${part.repeat(199)} "mixed" ("boundary" "b") NIL NIL NIL) FLAGS ()`
    expect(throughAll(words)).toBe(`* 12 FETCH (UID 7 ${kept} RFC822.SIZE 5 BODY[CUT] "structure=1 parts=2000")\r\n`)
  })

  test('parts within parts count too, and one that loses all it holds keeps a mark in their place', () => {
    const deep = `(${part.repeat(198)}(${part.repeat(3)} "alternative") "mixed")`
    const kept = `(${part.repeat(198)}(("x-cut" "x-cut" NIL NIL NIL "7bit" 0) "alternative") "mixed")`
    expect(throughAll(row(`BODYSTRUCTURE ${deep}`))).toBe(
      `* 12 FETCH (UID 7 BODYSTRUCTURE ${kept} RFC822.SIZE 5 BODY[CUT] "structure=1 parts=201")\r\n`,
    )
  })

  test('what is nested without end ends', () => {
    const depth = 30_000
    const words = row(`BODYSTRUCTURE ${'('.repeat(depth)}"text" "plain"${' "mixed")'.repeat(depth)} FLAGS (\\Seen)`)
    const out = throughAll(words)
    expect(out.length).toBeLessThan(2_000)
    expect(out).toContain('FLAGS (\\Seen) RFC822.SIZE 5 BODY[CUT] "structure=1')
    expect(out.split('(').length).toBe(out.split(')').length)
  })

  test('the first hundred addresses of each list are kept, those that are there are counted, and what follows stays', () => {
    const people = (count: number) => `(${Array.from({ length: count }, (_, i) => address(`a${i}`)).join('')})`
    const out = throughAll(row(envelope({ to: people(3_000), cc: `(${'(NIL NIL NIL NIL)'.repeat(150)})` })))
    expect(out).toContain('(NIL NIL "a99" "example.org")) (')
    expect(out).not.toContain('"a100"')
    expect(out).toContain('NIL NIL "<1@x>") RFC822.SIZE 5 BODY[CUT] "to=3000 cc=0")\r\n')
    const blanks = people(102).replaceAll(')(', ') (')
    expect(throughAll(row(envelope({ to: blanks })))).toContain('(NIL NIL "a99" "example.org")) NIL NIL NIL "<1@x>")')
  })

  test('long strings are cut, quoted or as literals, and no backslash is left to escape the end', () => {
    const quoted = throughAll(row(envelope({ subject: `"${'\\"'.repeat(50_000)}"` })))
    expect(quoted).toMatch(/ "(\\"){6144}" \(\(/)
    expect(quoted).toContain('BODY[CUT] "headers=1"')
    const literal = throughAll(row(envelope({ subject: `{100000}\r\n${'(\r\n)'.repeat(25_000)}` })))
    expect(literal).toContain(` {12288}\r\n${'(\r\n)'.repeat(3_072)} ((`)
    const name = throughAll(row(envelope({ to: `(("${'n'.repeat(5_000)}" NIL "a" "b"))` })))
    expect(name).toContain(`(("${'n'.repeat(1024)}" NIL "a" "b"))`)
  })

  test('past the last bound a list is closed behind the last one in it, or is NIL', () => {
    const pairs = ` "${'k'.repeat(2)}" "v"`.repeat(10_000)
    const structure = throughAll(row(`BODYSTRUCTURE (${part}("text" "plain" ("a" "b"${pairs}) NIL) "mixed") FLAGS ()`))
    expect(structure).toBe(
      `* 12 FETCH (UID 7 BODYSTRUCTURE (${part}) FLAGS () RFC822.SIZE 5 BODY[CUT] "structure=1 parts=2")\r\n`,
    )
    const keywords = throughAll(row(`FLAGS (\\Seen${' keyword'.repeat(10_000)}) UID 7`))
    expect(keywords).toBe('* 12 FETCH (UID 7 FLAGS NIL UID 7 RFC822.SIZE 5)\r\n')
    const atom = throughAll(row(`FLAGS (${'x'.repeat(100_000)}) UID 7`))
    expect(atom).toBe('* 12 FETCH (UID 7 FLAGS NIL UID 7 RFC822.SIZE 5)\r\n')
  })

  test('a header that can only be asked for whole is cut, and the text beside it is not', () => {
    const header = 'h: xxxxx\r\n'.repeat(100_000)
    const words = `BODY[1.MIME] {1000000}\r\n${header} BODY[1]<0> {300000}\r\n${'t'.repeat(300_000)}`
    const kept = `BODY[1.MIME] {262144}\r\n${header.slice(0, 262_144)} BODY[1]<0> {300000}\r\n${'t'.repeat(300_000)}`
    expect(throughAll(row(words)) === row(kept)).toBe(true)
  })

  test('a field of a header ends where it is too long, and the fields around it stay', () => {
    const field = (length: number) => `Content-Transfer-Encoding: ${'('.repeat(length - 27)}`
    const header = (first: string) => `A: b\r\n${first}\r\nContent-Type: text/plain\r\n\tcharset=x\r\n\r\n`
    const headOf = (text: string) => {
      const out = throughAll(row(`BODY[HEADER] {${text.length}}\r\n${text} BODY[1] {${text.length}}\r\n${text}`))
      expect(out).toContain(` BODY[1] {${text.length}}\r\n${text} RFC822.SIZE`)
      return out.slice(out.indexOf('\r\n') + 2, out.indexOf(' BODY[1]'))
    }
    expect(headOf(header(field(2_048)))).toBe(header(field(2_048)))
    const long = headOf(header(field(10_000)))
    expect(long).toBe(header(`${field(2_048)}\r\nX-Cut: ${'('.repeat(10_000 - 2_048 - 9)}`))
    // The field ends before the next name is complete.
    expect(headOf(header(field(2_051)))).toBe(header(`${field(2_048)}\r\nX`))
    const folded = headOf(header(`${field(2_000)}\r\n ${'x'.repeat(3_000)}`))
    expect(folded).toBe(header(`${field(2_000)}\r\n ${'x'.repeat(45)}\r\nX-Cut: ${'x'.repeat(2_946)}`))
  })

  test('a row that is none is left without an end, and what comes behind it is read', () => {
    const out = throughAll(`${row('BODYSTRUCTURE ("text" {x}\r\n')}* 3 EXISTS\r\n`)
    expect(out).toBe(`* 12 FETCH (UID 7 BODYSTRUCTURE \r\n RFC822.SIZE 5)\r\n* 3 EXISTS\r\n`)
    const broken = throughAll(`${row('ENVELOPE ("text {3}\r\nabc" (')}* 3 EXISTS\r\n`)
    expect(broken).toBe('* 12 FETCH (UID 7 ENVELOPE \r\n* 3 EXISTS\r\n')
  })
})

test('a literal that is longer than any answer ends it, however its length is written', () => {
  for (const words of [
    '* 1 FETCH (BODY[] {10000001}\r\n',
    `* LIST () "/" {${'0'.repeat(40)}5}\r\n`,
    '* 1 FETCH (ENVELOPE ({99999999999999999999999}\r\n',
  ]) {
    for (const length of [1, words.length]) {
      expect(() => passed(words, length)).toThrow(expect.objectContaining({ code: 'LiteralTooLarge' }))
    }
  }
})
