/** Words and domains that look like others: letters of several alphabets in one word, and domains that look like known ones (UTS #39, in short). */
import { domainToUnicode } from 'node:url'

/** Domains that are often imitated in mail: those of banks and of payment, of mail, of shops and of parcels. A sieve, not a list of all. */
const imitatedDomains: readonly string[] = [
  'adobe.com',
  'airbnb.com',
  'aliexpress.com',
  'amazon.com',
  'amazon.co.uk',
  'amazon.de',
  'americanexpress.com',
  'apple.com',
  'bankofamerica.com',
  'barclays.co.uk',
  'binance.com',
  'booking.com',
  'chase.com',
  'citibank.com',
  'coinbase.com',
  'dhl.com',
  'dhl.de',
  'docusign.com',
  'docusign.net',
  'dropbox.com',
  'ebay.com',
  'facebook.com',
  'fedex.com',
  'github.com',
  'gmail.com',
  'google.com',
  'hsbc.com',
  'icloud.com',
  'ing.com',
  'instagram.com',
  'linkedin.com',
  'live.com',
  'microsoft.com',
  'microsoftonline.com',
  'netflix.com',
  'office.com',
  'openai.com',
  'outlook.com',
  'paypal.com',
  'revolut.com',
  'santander.com',
  'shopify.com',
  'slack.com',
  'sparkasse.de',
  'spotify.com',
  'stripe.com',
  'ups.com',
  'usps.com',
  'wellsfargo.com',
  'whatsapp.com',
  'wise.com',
  'x.com',
  'yahoo.com',
  'zoom.us',
]

/** Alphabets with letters that look like those of another one of them. A word of one of them alone is a word. */
const alphabets = ['Latin', 'Greek', 'Cyrillic', 'Armenian', 'Georgian', 'Cherokee', 'Coptic', 'Lisu', 'Deseret']
const letters = alphabets.map(script => new RegExp(`\\p{Script=${script}}`, 'u'))
/** Characters of a name that are compared. */
const maxLength = 500

/** Small letters, after compatible forms were made one and accents taken off. */
const lookAlikes = new Map(
  Object.entries({
    a: 'аαɑ',
    b: 'ьЬвβ',
    c: 'сϲᴄ',
    d: 'ԁɗ',
    e: 'еєҽεɛ',
    f: 'ғƒ',
    g: 'ɡցԍ',
    h: 'һнհ',
    j: 'јϳ',
    k: 'кκĸ',
    l: 'i1|іιӏıɩӀ׀ا',
    m: 'мᴍ',
    n: 'пոηиƞ',
    o: '0оοօσөɵ',
    p: 'рρϱ',
    q: 'ԛգ',
    r: 'гᴦɼ',
    s: 'ѕꜱƽ',
    t: 'тτᴛ',
    u: 'υսцʋᴜ',
    v: 'ѵνᴠ',
    w: 'ԝшωѡɯᴡ',
    x: 'хχ×',
    y: 'уүγყʏ',
    z: 'ᴢʐ',
    '-': '‐‑–—−ー',
    '.': '。．｡',
  }).flatMap(([letter, others]) => [...others].map(other => [other, letter] as const)),
)

const notAscii = /[^\x20-\x7e]/

/** Whether one word of it has letters of several alphabets, such as a Cyrillic а among Latin ones. */
export function mixesAlphabets(text: string): boolean {
  // All letters of ASCII are of one.
  if (!notAscii.test(text)) return false
  const words = text.slice(0, maxLength).split(/[^\p{L}\p{M}\p{N}]+/u)
  return words.some(word => letters.filter(letter => letter.test(word)).length > 1)
}

/** What it looks like: equal for what can be taken for one another. */
export function looksOf(text: string): string {
  const small = text.toLowerCase()
  // Of ASCII there is no other form. Nearly all are, and a list has several for each of its messages.
  const plain = notAscii.test(small) ? small.normalize('NFKD').replaceAll(/\p{M}/gu, '') : small
  let looks = ''
  for (const letter of plain) looks += lookAlikes.get(letter) ?? letter
  return looks.replaceAll('rn', 'm').replaceAll('vv', 'w').replaceAll('cl', 'd')
}

const imitated = new Map(imitatedDomains.map(domain => [looksOf(domain), domain]))

/**
 * The domain that this one looks like and is not: `xn--pypal-4ve.com`, `paypa1.com` and `paypal.com.login.example` look like `paypal.com`.
 * @param own Domains that are known beside those that are often imitated.
 */
export function imitatedBy(domain: string, own: readonly string[]): string | undefined {
  const ofOwn = new Map(own.map(each => [looksOf(each), each.toLowerCase()]))
  const knownAs = (name: string) => {
    const looks = looksOf(name)
    return ofOwn.get(looks) ?? imitated.get(looks)
  }
  const labels = readable(domain).toLowerCase().slice(0, maxLength).split('.')
  const tails = labels.map((_label, index) => labels.slice(index).join('.'))
  const ofTails = tails.map(knownAs)
  if (tails.some((name, index) => ofTails[index] === name)) return undefined
  const tail = ofTails.find(found => found !== undefined)
  if (tail !== undefined) return tail
  // At the front, where one begins to read.
  const fronts = labels.map((_label, index) => labels.slice(0, index + 1).join('.'))
  // Companies as well known as these have their name in most countries (`yahoo.com.br`); one's own domain may be anybody's there.
  const abroad = /\.com\.[a-z]{2}$/.test(domain) ? fronts.at(-2) : undefined
  if (abroad !== undefined && imitated.get(looksOf(abroad)) === abroad) return undefined
  return fronts.map(knownAs).find(isNamed)
}

/** The known domain that this one is, or is a part of. */
export function knownDomainOf(domain: string, own: readonly string[]): string | undefined {
  return [...own, ...imitatedDomains].find(known => domain === known || domain.endsWith(`.${known}`))
}

/** As people read it. */
export function readable(domain: string): string {
  return /(?:^|\.)xn--/i.test(domain) ? domainToUnicode(domain) || domain : domain
}

const isNamed = (found: string | undefined) => found?.includes('.')
