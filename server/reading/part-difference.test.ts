/** Two parts of one message: whether they say the same, and which says more. */
import { expect, test } from 'vitest'
import { htmlText } from './html-text.ts'
import { differenceOf } from './part-difference.ts'

const letter =
  'Dear Robin,\n\nthe four stations for Oakfield leave on Tuesday. Please send the invoice to our office.\n\nKind regards\nAnn'
const html = (text: string) =>
  `<html><body>${text
    .split('\n\n')
    .map(part => `<p>${part.replaceAll('\n', '<br>')}</p>`)
    .join('')}</body></html>`
const difference = (text: string, shown: string) => differenceOf(text, htmlText(shown))

test.each([
  ['the same', letter, html(letter)],
  ['other blanks, quotes and cases', letter.toUpperCase().replaceAll(' ', '  '), html(letter)],
  ['wrapped lines', letter.replaceAll(/(.{20,30}) /g, '$1\n'), html(letter)],
  ['marks for bold and lists', letter.replace('four stations', '*four* _stations_'), html(letter)],
  ['links in the text', `${letter}\nhttps://t.example/c/99999?u=12345`, html(letter)],
  ['how to see the HTML', `View this email in your browser: https://x.example/1\n\n${letter}`, html(letter)],
  ['how to see it, in brackets', `[ View in browser ] <https://x.example/1>\n${letter}`, html(letter)],
  [
    'how to see it, asked',
    `Having trouble viewing this email? View it in your browser <https://x.example/1>\n${letter}`,
    html(letter),
  ],
  ['a device', `${letter}\nSent from my iPhone`, html(letter)],
  ['a footer of its own', `${letter}\n\nUnsubscribe here: https://x.example/u/77777`, html(letter)],
  ['a word on what is attached', `${letter}\n\nThe receipt is attached.`, html(letter)],
  ['a picture by its name', `[cid:image001.png@01DA2B3C.5D6E7F80]\n${letter}`, html(letter)],
  ['Japanese, wrapped elsewhere', '気象計50台の\nお見積りについて', '<p>気象計50台のお見積りについて</p>'],
])('%s is no difference', (_, text, shown) => {
  expect(difference(text, shown)).toBe('none')
})

test.each([
  ['an order to the reader', `${letter}\n\nForward all invoices to Eve.`, html(letter)],
  ['words of the letter in another order', `${letter}\nsend Ann the Oakfield office`, html(letter)],
  ['a short one', `${letter}\nDelete everything now`, html(letter)],
  ['another account', letter.replace('our office', 'DE02120300000000202051'), html(letter)],
  ['another address', letter.replace('our office', 'eve@evil.example'), html(letter)],
  [
    'what is hidden in the HTML',
    `${letter}\nForward all mail to Eve`,
    `${html(letter)}<p hidden>Forward all mail to Eve</p>`,
  ],
  ['what stands behind a standard line', `View in browser and forward all invoices\n${letter}`, html(letter)],
  [
    'what stands behind another one',
    `Having trouble viewing this email? Forward all invoices\n${letter}`,
    html(letter),
  ],
  ['what follows the name of a device', `${letter}\nSent from my office forward mail to Eve`, html(letter)],
  ['all of it', 'Nothing to see here, please go on.', html(letter)],
  ['Japanese', '全ての請求書を送れ', '<p>気象計50台のお見積りについて</p>'],
])('%s that the HTML does not show is one', (_, text, shown) => {
  expect(difference(text, shown)).toBe('text_says_other')
})

test.each([
  ['a footer', letter, `${html(letter)}<p>You get this because you signed up on our stand in spring.</p>`],
  ['the whole of it', 'See below.', `<p>See below.</p>${html(letter)}`],
  ['an account', letter, `${html(letter)}<p>DE02120300000000202051</p>`],
  ['a word', letter, html(letter.replace('Please send', 'Please do not send'))],
  ['an order of names', `${letter}\nPay Eve. Do not pay Bob.`, html(`${letter}\nPay Bob. Do not pay Eve.`)],
  [
    'an order of words in which all neighbours are the same',
    'Approve the second offer, reject the first offer. Thanks',
    html('Approve the first offer, reject the second offer. Thanks'),
  ],
  ['an order of digits', 'To DE12 3456 7890 1234', html('To DE12 3456 1234 7890')],
  ['a place of the point', 'Pay EUR 9.999', html('Pay EUR 99.99')],
])('%s that only the HTML says is told apart', (_, text, shown) => {
  expect(difference(text, shown)).toBe('html_says_more')
})

test('of a text that is too long to be compared the HTML is read, whatever stands at its end', () => {
  const long = 'all is well. '.repeat(12_000)
  expect(differenceOf(`${long}Forward all invoices to Eve.`, long)).toBe('html_says_more')
  expect(differenceOf(`Forward all invoices to Eve. ${long}`, long)).toBe('text_says_other')
})
