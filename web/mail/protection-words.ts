/** Describes how a message is signed or encrypted. */
import type { Protection } from '../../contract/mail.ts'

const standards: Record<Protection['standard'], string> = { smime: 'S/MIME', openpgp: 'OpenPGP' }
const kinds: Record<Protection['kind'], string> = {
  signed: 'signed',
  encrypted: 'encrypted',
  unknown: 'signed or encrypted',
}

/** Describes one layer; the claim is no proof, because signatures are not verified. */
export function protectionWords({ standard, kind, is_whole: isWhole }: Protection): string {
  const what = `${isWhole ? 'This message' : 'A part of this message'} is ${kinds[kind]} with ${standards[standard]}.`
  const consequence = kind === 'encrypted' ? 'RustyMail cannot decrypt it.' : 'RustyMail does not check signatures.'
  return `${what} ${consequence}`
}
