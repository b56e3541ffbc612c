/** Replaces the names of people, places and folders by consistent masks, for texts that strangers will read. */
import { isIP } from 'node:net'
import { judgeAddress } from '../platform/network/outbound-rules.ts'
import { clientLine, fromUtf7, knownWords, serverLine } from './imap-masking.ts'
import { isKnownProvider } from './provider-hints.ts'

export interface KnownNames {
  /** Names of the account. */
  names: readonly string[]
  /** Logins and addresses. */
  users: readonly string[]
  hosts: readonly string[]
  folders: readonly string[]
}

/** Folder names that disclose nothing about their owner. */
const commonFolders = new Set(
  'inbox sent drafts trash junk archive archives spam none starred important deleted sent-mail sent_mail'
    .split(' ')
    .concat([
      'sent items',
      'sent messages',
      'sent mail',
      'deleted items',
      'deleted messages',
      'junk e-mail',
      'all mail',
      '[gmail]',
    ]),
)
/** Host name labels that disclose nothing about their owner. */
const commonLabels = new Set(
  'imap imaps smtp smtps mail mx pop pop3 www webmail outgoing incoming autodiscover autoconfig localhost example'.split(
    ' ',
  ),
)
/** Matches names of documents and software, not servers. */
const notHosts =
  /^(node\.js|rustymail\..*|(www\.)?rfc-editor\.org|id\.yandex\.com|account\.apple\.com|myaccount\.google\.com)$/i
const shortest = 3

const messageIds = /<[^<>\s]+@[^<>\s]+>/g
const emails = /[^\s<>()[\]:;,"'=@/\\]+@[\p{L}\p{N}.-]+/gu
const ipv4 = /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)/g
const ipv6 = /(?<![\p{L}\p{N}:.])[0-9a-f:]*:[0-9a-f:.]*(?:%\w+)?/giu
const hosts =
  /(?<![\p{L}\p{N}_@.-])(?:[\p{L}\p{N}_](?:[\p{L}\p{N}_-]*[\p{L}\p{N}_])?\.)+(?:\p{L}{2,}|xn--[a-z0-9-]+)(?![\p{L}\p{N}_-])/gu
const longIds = /(?<![\p{L}\p{N}_=-])(?=[\p{L}_+/-]*\d)[\p{L}\p{N}_+/-]{12,}={0,2}/gu

export class Masker {
  readonly #given = new Map<string, string>()
  readonly #counts = new Map<string, number>()
  readonly #words: readonly { pattern: RegExp; mask: string }[]
  readonly #folders: ReadonlySet<string>

  constructor({ names, users, hosts: servers, folders }: KnownNames) {
    const domains = [...users.map(user => user.split('@')[1] ?? ''), ...servers].filter(
      host => host !== '' && isIP(host) === 0,
    )
    // The account's own names are numbered first.
    for (const user of users) if (user.includes('@')) this.#email(user)
    for (const host of domains) this.#host(host)
    const words = new Map<string, string>()
    const add = (text: string, kind: string) => {
      const word = text.trim()
      if (word.length >= shortest && !commonFolders.has(word.toLowerCase())) words.set(word, this.#mask(kind, word))
    }
    for (const written of folders) {
      const path = fromUtf7(written)
      add(path, 'folder')
      // Masks the form on the wire too, which a server may echo anywhere.
      if (written !== path && written.length >= shortest) words.set(written, this.folder(path))
      for (const level of path.split(/[/.\\]/)) add(level, 'folder')
    }
    for (const user of users) {
      // Users with an @ are masked as addresses.
      if (!user.includes('@')) add(user, 'user')
      add(user.split('@')[0] ?? '', 'user')
    }
    for (const name of names) for (const word of [name, ...name.split(/[\s.,_@-]+/)]) add(word, 'name')
    for (const host of domains) {
      if (isKnownProvider(host)) continue
      add(host, 'host')
      for (const label of host.split('.').slice(0, -1)) {
        if (!commonLabels.has(label) && label.length > shortest) add(label, 'host')
      }
    }
    this.#folders = new Set(folders)
    this.#words = [...words]
      .sort(([one], [other]) => other.length - one.length)
      .map(([word, mask]) => ({ pattern: wordPattern(word), mask }))
  }

  text(text: string): string {
    let masked = text
      .replace(messageIds, id => `<${this.#mask('message', id)}>`)
      .replace(emails, email => this.#email(email))
      .replace(ipv6, address => this.#address(address))
      .replace(ipv4, address => this.#address(address))
      .replace(hosts, host => this.#host(host))
    for (const { pattern, mask } of this.#words) masked = masked.replace(pattern, mask)
    return masked
  }

  /** Masks a server's words, which may contain session ids and the like. */
  words(text: string): string {
    return this.text(text).replace(longIds, word => (/^(SCRAM-|TLS_)/.test(word) ? word : '[id]'))
  }

  folder(written: string): string {
    const path = fromUtf7(written)
    if (/^[\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e]{0,3}$/.test(path) || commonFolders.has(path.toLowerCase())) return path
    return this.#mask('folder', path)
  }

  keyword(name: string): string {
    return this.#mask('keyword', name)
  }

  /** Masks a line of the protocol. In IMAP, no word that can be the name of a folder stays. */
  line(from: 'client' | 'server', text: string, part: 'imap' | 'smtp' = 'imap'): string {
    if (part === 'smtp') return from === 'server' ? this.words(text) : this.text(text)
    return from === 'server' ? serverLine(text, this) : clientLine(text, this)
  }

  /** Masks what a server said, which may have named a folder. */
  said(text: string): string {
    return knownWords(text, this)
  }

  #email(email: string): string {
    const at = email.lastIndexOf('@')
    const domain = email.slice(at + 1).replace(/\.+$/, '')
    return `${this.#mask('user', email.slice(0, at))}@${isKnownProvider(domain) ? domain : this.#domain(domain)}`
  }

  #address(address: string): string {
    const number = address.replace(/[.:]+$/, kept => (kept === '::' ? kept : ''))
    if (isIP(number.split('%')[0]!) === 0) return address
    if (number === '::1' || number.startsWith('127.')) return address
    const kind = judgeAddress(number) === 'open' ? 'ip' : 'private-ip'
    return this.#mask(kind, number) + address.slice(number.length)
  }

  #host(host: string): string {
    if (isKnownProvider(host) || notHosts.test(host) || this.#folders?.has(host)) return host
    return this.#domain(host)
  }

  /** Returns a name such as `imap.domain1.example`. */
  #domain(host: string): string {
    const labels = host.toLowerCase().split('.')
    const own = this.#mask('domain', labels.slice(-2).join('.'))
    const before = labels.slice(0, -2).map(label => (commonLabels.has(label) ? label : this.#mask('host', label)))
    return [...before, own, 'example'].join('.')
  }

  #mask(kind: string, name: string): string {
    const key = `${kind} ${name.toLowerCase()}`
    const known = this.#given.get(key)
    if (known) return known
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    this.#given.set(key, `${kind}${count}`)
    return `${kind}${count}`
  }
}

function wordPattern(word: string): RegExp {
  const escaped = word.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
  return new RegExp(`(?<![\\p{L}\\p{N}])${escaped}(?![\\p{L}\\p{N}])`, 'giu')
}
