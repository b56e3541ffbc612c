/** Detects how a message is signed or encrypted, from its structure and text; nothing is verified or decrypted. */
import type { Protection } from '../../contract/message-marks.ts'
import { maxProtections } from '../../contract/text-bounds.ts'
import type { PartNode } from './body-structure.ts'

type Found = Omit<Protection, 'is_whole'>

/** Depth of nested parts that are inspected; deeper ones are ignored. */
const maxDepth = 50

/** Lists the protections, the outermost first. Those within an attached message belong to that message. */
export function protectionsOf(root: PartNode | undefined): Protection[] {
  const found: Protection[] = []
  if (root) walk(root, true, 0, found)
  return found
}

function walk(part: PartNode, isWhole: boolean, depth: number, found: Protection[]): void {
  if (depth > maxDepth || found.length >= maxProtections) return
  const protection = protectionOf(part)
  if (protection) found.push({ ...protection, is_whole: isWhole })
  // Encrypted content is opaque; a signed part has its signature as its sibling.
  if (protection?.kind === 'encrypted') return
  const children = protection ? part.children.slice(0, 1) : part.children
  for (const child of children) walk(child, protection !== undefined && isWhole, depth + 1, found)
}

function protectionOf({ type, parameters, name, children }: PartNode): Found | undefined {
  if (type === 'multipart/signed' || type === 'multipart/encrypted') {
    const second = type === 'multipart/signed' ? children[1] : children[0]
    const standard = standardOf(parameters.protocol ?? '') ?? standardOf(second?.type ?? '')
    return standard && { standard, kind: type === 'multipart/signed' ? 'signed' : 'encrypted', form: 'multipart' }
  }
  // Exchange turns a multipart/encrypted into this.
  if (type === 'application/pgp-encrypted') return { standard: 'openpgp', kind: 'encrypted', form: 'multipart' }
  const isNamed = type === 'application/octet-stream' && /\.p7m$/i.test(name ?? '')
  if (!isNamed && !/^application\/(?:x-)?pkcs7-mime$/.test(type)) return undefined
  const kind = kindOfOpaque(parameters['smime-type'])
  return kind && { standard: 'smime', kind, form: 'opaque' }
}

function standardOf(type: string): Protection['standard'] | undefined {
  const word = type.trim().toLowerCase()
  if (/^application\/(?:x-)?pkcs7-(?:signature|mime)$/.test(word)) return 'smime'
  return /^application\/pgp-(?:signature|encrypted)$/.test(word) ? 'openpgp' : undefined
}

/** Maps the smime-type (RFC 8551, section 3.2.2); undefined when it is neither signed nor encrypted. */
function kindOfOpaque(smimeType: string | undefined): Protection['kind'] | undefined {
  const word = smimeType?.trim().toLowerCase()
  if (word === 'signed-data') return 'signed'
  if (word === 'enveloped-data' || word === 'authenveloped-data') return 'encrypted'
  return word === 'certs-only' || word === 'compressed-data' ? undefined : 'unknown'
}

const [signedMark, encryptedMark] = ['-----BEGIN PGP SIGNED MESSAGE-----', '-----BEGIN PGP MESSAGE-----']
const [signedEnd, encryptedEnd] = ['-----END PGP SIGNATURE-----', '-----END PGP MESSAGE-----']

/** Finds PGP armor in a plain text (RFC 9580, sections 6.2 and 7); quoted armor is ignored. */
export function inlineProtectionOf(text: string | null): Protection[] {
  const marks = [
    { mark: signedMark, end: signedEnd, kind: 'signed' as const },
    { mark: encryptedMark, end: encryptedEnd, kind: 'encrypted' as const },
  ]
  const found = marks
    .map(({ mark, ...one }) => ({ ...one, at: lineAt(text ?? '', mark) }))
    .filter(({ at }) => at >= 0)
    .sort((one, other) => one.at - other.at)[0]
  if (text === null || !found) return []
  const isWhole = text.slice(0, found.at).trim() === '' && text.trimEnd().endsWith(found.end)
  return [{ standard: 'openpgp', kind: found.kind, form: 'inline', is_whole: isWhole }]
}

/** Returns the offset of a line that consists of the mark alone, or -1. */
function lineAt(text: string, mark: string): number {
  for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + mark.length)) {
    const after = text[at + mark.length] ?? '\n'
    if ((at === 0 || text[at - 1] === '\n') && /\s/.test(after)) return at
  }
  return -1
}
