/**
 * Every regular expression and loop over strangers' text (mail, output of servers and models, searches) takes time
 * proportional to its length. One row for each place that could rescan the same text.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { safeWords } from '../server/accounts/safe-words.ts'
import { ProviderFaults } from '../server/assistant/provider-faults.ts'
import { type FaultContext, translateFault } from '../server/imap/adapters/imapflow-faults.ts'
import { structureOf, toHeader } from '../server/imap/adapters/imapflow-message.ts'
import { newestOf } from '../server/imap/adapters/imapflow-search.ts'
import type { PartInfo } from '../server/imap/mail-gateway.ts'
import { inlineProtectionOf } from '../server/imap/message-protection.ts'
import { embedPictures } from '../server/mail/embed-pictures.ts'
import { unsubscribeOf } from '../server/mail/list-unsubscribe.ts'
import { mixesAlphabets } from '../server/mail/look-alike.ts'
import { toPerson } from '../server/mail/mail-address.ts'
import { ToolRef } from '../server/mail/read-message.ts'
import { senderAuth } from '../server/mail/sender-auth.ts'
import { warningsOf } from '../server/mail/sender-warnings.ts'
import { fileHeaders } from '../server/platform/http/security-headers.ts'
import { readCalendar } from '../server/reading/calendar.ts'
import { cleanHtml, TooComplex } from '../server/reading/clean-html.ts'
import { unflow, withoutHalfCharacter } from '../server/reading/decode-body.ts'
import { htmlText } from '../server/reading/html-text.ts'
import { linkTarget, withoutTargets } from '../server/reading/link-words.ts'
import { newText } from '../server/reading/new-text.ts'
import { differenceOf } from '../server/reading/part-difference.ts'
import { readParts } from '../server/reading/read-parts.ts'
import { cleanLine, cleanText, withoutModelMarks } from '../server/reading/stranger-text.ts'
import { readMarkdown } from '../web/assistant/growing-markdown.ts'
import { mayHaveRemoteContent } from '../web/mail/mail-words.ts'
import { folderOf } from '../web/mail/search-terms.ts'

type Work = (words: string) => unknown
/** A unit repeated to the wanted length, between a fixed beginning and end. */
type Words = [unit: string, begin?: string, end?: string]

const picture: PartInfo = { id: '2', name: null, type: 'image/png', size_bytes: 1, is_inline: true, content_id: 'a' }
const pictures: Work = words => {
  const body = words.split('|').map(contentId => ({ contentId }))
  return embedPictures({ style: [], bodyAttributes: [], body }, [picture], async () => Buffer.alloc(1))
}
const header: Work = words => toHeader({ seq: 1, uid: 1, envelope: { subject: words, from: [{ name: words }] } })
const structure: Work = words => structureOf({ bodyStructure: { type: 'image/png', id: words, part: '1' } })
const invitation: Work = words =>
  readCalendar({ source: `BEGIN:VCALENDAR\nBEGIN:VEVENT\n${words}\nEND:VEVENT\nEND:VCALENDAR` })
/** What is too complex is given up, which is cheap; what is not must not be expensive. */
const frame: Work = words => {
  try {
    return cleanHtml({ source: words, remote: true })
  } catch (error) {
    if (!(error instanceof TooComplex)) throw error
    return undefined
  }
}
const context: FaultContext = { host: 'h', port: 1, password: 'secret', phase: 'session' }
const fault: Work = words => translateFault(Object.assign(new Error('no'), { responseText: words }), context)
const refusal: Work = words => new ProviderFaults('It', ['secret key']).refused(500, words)
const sender: Work = words => warningsOf([{ name: words, email: `a@${words}` }], 'ann@example.org')
const border = { serverIds: ['x'], isExact: false, isUnnamed: true, isSingle: false, machines: ['x'] }
const auth: Work = words => senderAuth(`Received: ${words}\nAuthentication-Results: ${words}\n\n`, [], border)
const leaving: Work = words => unsubscribeOf(`List-Unsubscribe: ${words}\n\n`)
const above: Work = words => senderAuth(words, [], border)
const two: Work = words => [
  differenceOf(words, 'b c d'),
  differenceOf('b c d', words),
  differenceOf(words, `x ${words}`),
]
const blank = ' '

const table: [string, Work, ...Words[]][] = [
  ['who wrote what', newText, ['@', '<'], ['<a@', '', ':'], ['<a@b>'], ['wrote'], ['wrote: '], [blank, 'wrote:', 'x']],
  ['the original message', newText, ['-', '', 'x'], ['- '], [blank, '--', 'x'], ['-', '--Original Message', 'x']],
  ['lines of quotations', newText, ['> a\n  \n'], ['On\na wrote:\n'], ['\n'], ['-- \n'], ['--Original Message\n']],
  ['text', cleanText, ['\n\n\nx'], ['\n'], ['\r'], ['\u200b'], ['\u2028']],
  ['subjects', words => cleanLine(words), [blank, 'a', 'b'], ['a '], ['\n']],
  ['addresses', name => toPerson({ name, email: name }), [blank, 'a', 'b'], ['a '], ['@'], ['a.', 'a@', 'b']],
  ['odd senders', sender, ['a@'], ['@'], ['a.'], ['\u200d'], ['\u{e0041}'], ['аa'], ['@xn--', 'a'], ['ﷺ']],
  ['alphabets', mixesAlphabets, ['аa'], ['a'], [blank]],
  ['who is verified', auth, ['a:\n'], ['('], ['"'], [';'], ['\\'], ['a=b '], [' ='], ['\n '], ['\n', 'a:'], ['by ']],
  ['who is verified, above', above, ['a:\n'], ['\r'], ['\n'], [':'], [blank]],
  ['marks of models', withoutModelMarks, ['<'], ['<|'], ['<|a', '', '>'], ['<a'], ['[INST'], ['<<SYS'], ['`'], ['#']],
  [
    'marks at lines',
    withoutModelMarks,
    ['\n> '],
    ['\n#'],
    ['\nHuman '],
    ['\nSYSTEM '],
    ['\n1.'],
    ['\n```'],
    ['END '],
    ['END OF '],
    [blank, '<', 's'],
  ],
  [
    'targets in text',
    withoutTargets,
    ['['],
    ['](//'],
    ['](//a('],
    ['](<//'],
    ['<//a'],
    [']:\n'],
    [']: '],
    ['http://'],
    ['https://a?.'],
  ],
  [
    'two parts',
    two,
    ['a '],
    ['a@'],
    ['@'],
    ['a1'],
    ['http:'],
    ["'"],
    ['-'],
    ['ﷺ'],
    ['view this email in your ', '', 'browser'],
  ],
  ['a text that stands in', text => readParts({ text, html: text }), [blank], ['http:'], ['html ']],
  ['style sheets', htmlText, ...around('<style>', '</style>x', '@media x{}', 'a,b{color:red}', 'a{', '@a{', '}', ',')],
  ['what is in style sheets', htmlText, ...around('<style>', '{}</style>x', blank, '/*', '\\a', '<!--', 'a;')],
  ['colours', htmlText, ...around('<p bgcolor="', '">x', 'a(', '#', 'a', 'rgb('), ['rgb(', '<p color="', '">x']],
  ['styles', htmlText, ...around('<p style="', '">x', '/*', '\\a', 'color:red;', ':', '!', blank)],
  ['attributes', htmlText, ...around('<a class=x href="', '">x', '//a', blank, '.', '@'), ['1.', '<img width="', '">']],
  ['tags', htmlText, ['<a '], ['<!--'], ['<a href=//b>c<br>'], ['<pre>\n'], ['&nbsp;<i></i>'], ['<style']],
  ['names of pictures', pictures, ['a|'], ['%61|'], ['%'], ['<', '', '>'], [blank, 'a', 'b']],
  [
    'tags for the frame',
    frame,
    ['<a '],
    ['<a>'],
    ['<'],
    ['<!--'],
    ['<p>x</p>'],
    ['<table><td>'],
    ['<b><p>'],
    ['<svg>'],
  ],
  ['links for the frame', frame, ['<a href=//b.example>x</a>'], ['<img src=//b>'], ['/', '<a href="', '">']],
  ['attributes for the frame', frame, ['a=1 ', '<p '], ['x ', '<p class="', '">'], ['a1 ', '<p title="', '">']],
  ['styles for the frame', frame, ...around('<p style="', '">', 'color:red;', 'a(', '/*', '\\a', 'url(x) ', ':', '!')],
  [
    'sheets for the frame',
    frame,
    ...around('<style>', '</style>', 'a{color:red}', '@media x{', 'a,', '/*', 'b{', ':is('),
  ],
  ['targets of links', words => linkTarget(words, words), ['//a'], ['mailto:'], ['www.', 'https://'], [blank]],
  ['headers', header, ['\u0001'], ['\u0001a'], [blank, 'a', 'b']],
  ['content ids', structure, ['<', '', '>'], ['>', '', 'a']],
  ['a text that was cut', withoutHalfCharacter, ['\ufffd', '', 'a'], ['\ufffd']],
  ['lines that flow', words => unflow(words, true), ['a \n'], ['> a \n'], ['>'], [' '], ['-- \n']],
  [
    'an invitation',
    invitation,
    ['A:B\n'],
    [' a\n', 'SUMMARY:x\n'],
    ['ATTENDEE;CN=a:b\n'],
    [';a=b', 'ATTENDEE'],
    ['\\,', 'SUMMARY:'],
  ],
  ['how to leave a list', leaving, ['<'], ['<a>'], ['<', '', '>'], ['<https://a/', '', '>'], [',\n '], ['%']],
  ['armor of PGP', inlineProtectionOf, ['-----BEGIN PGP MESSAGE-----'], ['\n-----BEGIN PGP MESSAGE-----\n'], ['-']],
  ['a name of a file', words => fileHeaders(words), ['\u0001'], ['(', '.'], ['%']],
  ['finds of a server', set => newestOf(set, 20), ['1,'], ['1:2,'], [':'], [',']],
  ['what a mail server says', fault, ['too many '], ['try again '], [blank, 'a', 'b']],
  ['what may hold a password', words => safeWords(words, 'secret'), ['AAAA'], ['='], ['\u0001']],
  ['what a provider says', refusal, ['<'], [blank, 'a', 'b'], ['\u0001'], ['{"error":']],
  ['references', words => ToolRef.safeParse(words), ['a'], ['.'], ['a.']],
  ['searches', folderOf, ['a'], ['a:'], ['-'], ['"'], ['\\', '"'], ['a-', 'in']],
  ['fences of code', readMarkdown, ['`'], ['~', '', '`'], ['a', '```', '`'], [blank, '~~~', '`'], ['```\n']],
  ['ends of paragraphs', readMarkdown, [blank, 'a', 'b'], ['\n', 'a', 'b'], ['\n']],
  ['marks in answers', readMarkdown, ['*a '], ['['], ['[a]('], ['>'], ['<a '], ['\\'], ['http://a.'], ['a@a.'], ['![']],
  ['what comes from outside', mayHaveRemoteContent, [blank, 'src=', '>'], [blank, 'url(', ')'], ['src '], ['src=cid:']],
]

function around(begin: string, end: string, ...units: string[]): Words[] {
  return units.map(unit => [unit, begin, end])
}

/** CPU milliseconds below which a cost is noise. */
const leastMs = 3
const mostLength = 128 * 1024
/** Doubling may triple the time, three times over; quadratic work takes sixty-four times as long. */
const [growth, mostGrowth] = [2 ** 3, 3 ** 3]
const rounds = 4

/** Returns CPU time of this thread alone: others compile and collect garbage. */
async function costOf(work: Work, words: string): Promise<number> {
  const before = process.threadCpuUsage()
  await work(words)
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/** Returns the best of several rounds, or the first one below the bound. */
async function bestOf(work: Work, words: string, bound = 0): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds && best >= bound; round++) best = Math.min(best, await costOf(work, words))
  return best
}

/** @throws if the same text is scanned repeatedly. */
async function checkGrowth(work: Work, [unit, begin = '', end = '']: Words): Promise<void> {
  const make = (length: number) => begin + unit.repeat(length / unit.length) + end
  let length = 2048
  while (length < mostLength && (await bestOf(work, make(length), leastMs)) < leastMs) length *= 2
  const [few, many] = [make(length), make(growth * length)]
  let [most, times] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  // A disturbed measurement proves nothing, so it is repeated.
  for (let attempt = 0; attempt < 3 * rounds && times > mostGrowth; attempt++) {
    most = Math.min(most, await costOf(work, many))
    times = Math.min(times, most / Math.max(await bestOf(work, few), leastMs))
  }
  expect([begin, unit, end, times]).toEqual([begin, unit, end, expect.toSatisfy(one => one <= mostGrowth)])
}

test.each(table)('%s: eight times as much takes about eight times as long, not sixty-four times', async (...row) => {
  const [, work, ...all] = row
  for (const words of all) await checkGrowth(work, words)
})

/** Measured in bare Node, as in the product: here the code is transformed. */
const inNode = `
import { htmlText } from '${new URL('../server/reading/html-text.ts', import.meta.url)}'
const make = (unit, length) => '<style>' + unit.repeat(length / unit.length) + '</style>x'
for (let round = 0; round < 30; round++) {
  for (const unit of ['@media x{}', 'a,b{color:red}', 'a{', '@a{']) {
    for (const length of [4096, 65536]) htmlText(make(unit, length))
  }
}
const costOf = length => Math.min(...[1, 2, 3].map(() => {
  const before = process.threadCpuUsage()
  htmlText(make('@media x{}', length))
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}))
console.log(costOf(${mostLength}) / Math.max(costOf(${mostLength / growth}), ${leastMs}))
`

test('style sheets stay cheap once their reader is compiled: V8 may move what was done once into a loop', async () => {
  const args = ['--input-type=module', '--eval', inNode]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  expect(Number(stdout)).toBeLessThan(mostGrowth)
})
