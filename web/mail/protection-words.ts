/** How a message is signed or encrypted, in a sentence. */
import type { Protection } from '../../contract/mail.ts'

const standards: Record<Protection['standard'], string> = { smime: 'S/MIME', openpgp: 'OpenPGP' }
const kinds: Record<Protection['kind'], string> = {
  signed: 'signed',
  encrypted: 'encrypted',
  unknown: 'signed or encrypted',
}

/** What it says of itself is no proof: a signature that nobody checked may be anybody's. */
export function protectionWords({ standard, kind, is_whole: isWhole }: Protection): string {
  const what = `${isWhole ? 'This message' : 'A part of this message'} is ${kinds[kind]} with ${standards[standard]}.`
  const consequence = kind === 'encrypted' ? 'RustyMail cannot decrypt it.' : 'RustyMail does not check signatures.'
  return `${what} ${consequence}`
}
