/**
 * Detects deceptive words and domains: mixed alphabets within a word, and look-alikes of known domains (UTS #39,
 * simplified).
 */
import { domainToUnicode } from 'node:url'

/** Domains often imitated in mail: banks, payment, mail, shops, parcels. A selection, not a complete list. */
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

/** Alphabets that share look-alike letters. A word of a single one is harmless. */
const alphabets = ['Latin', 'Greek', 'Cyrillic', 'Armenian', 'Georgian', 'Cherokee', 'Coptic', 'Lisu', 'Deseret']
const letters = alphabets.map(script => new RegExp(`\\p{Script=${script}}`, 'u'))
/** Characters of a name that are compared. */
const maxLength = 500

/** Look-alikes by letter, in lower case, after NFKD normalisation and without accents. */
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

/** True when a word mixes alphabets, such as a Cyrillic а among Latin letters. */
export function mixesAlphabets(text: string): boolean {
  // Fast path: ASCII letters are of one alphabet.
  if (!notAscii.test(text)) return false
  const words = text.slice(0, maxLength).split(/[^\p{L}\p{M}\p{N}]+/u)
  return words.some(word => letters.filter(letter => letter.test(word)).length > 1)
}

/** Returns a skeleton, equal for texts that can be mistaken for each other. */
export function looksOf(text: string): string {
  const small = text.toLowerCase()
  // ASCII is already normalised; nearly all texts are, and a list has several per message.
  const plain = notAscii.test(small) ? small.normalize('NFKD').replaceAll(/\p{M}/gu, '') : small
  let looks = ''
  for (const letter of plain) looks += lookAlikes.get(letter) ?? letter
  return looks.replaceAll('rn', 'm').replaceAll('vv', 'w').replaceAll('cl', 'd')
}

const imitated = new Map(imitatedDomains.map(domain => [looksOf(domain), domain]))

/**
 * Returns the known domain that this one imitates: `xn--pypal-4ve.com`, `paypa1.com` and `paypal.com.login.example`
 * imitate `paypal.com`.
 * @param own Known domains besides those often imitated.
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
  // Imitations at the front, where people begin to read.
  const fronts = labels.map((_label, index) => labels.slice(0, index + 1).join('.'))
  // Such well-known companies own their name in most countries (`yahoo.com.br`), unlike owners of other domains.
  const abroad = /\.com\.[a-z]{2}$/.test(domain) ? fronts.at(-2) : undefined
  if (abroad !== undefined && imitated.get(looksOf(abroad)) === abroad) return undefined
  return fronts.map(knownAs).find(isNamed)
}

/** Returns the known domain that this one equals or is a subdomain of. */
export function knownDomainOf(domain: string, own: readonly string[]): string | undefined {
  return [...own, ...imitatedDomains].find(known => domain === known || domain.endsWith(`.${known}`))
}

/** Decodes Punycode. */
export function readable(domain: string): string {
  return /(?:^|\.)xn--/i.test(domain) ? domainToUnicode(domain) || domain : domain
}

const isNamed = (found: string | undefined) => found?.includes('.')
