/** How messages are signed or encrypted, of all the ways in which programs do it. */
import { expect, test } from 'vitest'
import { attached, file, leaf, type Mime, multipart, text, toDelivery } from '../../test/support/mime.ts'
import { inlineProtectionOf, protectionsOf } from './message-protection.ts'

const told = (root: Mime) =>
  protectionsOf(toDelivery({ subject: 'x', root }).structure).map(
    ({ standard, kind, form, is_whole }) => `${standard} ${kind} ${form}${is_whole ? '' : ' in part'}`,
  )
const words = text('words')
const p7s = file('application/pkcs7-signature', 'smime.p7s')
const asc = file('application/pgp-signature', 'signature.asc')
const p7m = (smimeType?: string, type = 'application/pkcs7-mime') =>
  leaf(type, 'x', { fileName: 'smime.p7m', ...(smimeType && { parameters: { 'smime-type': smimeType } }) })
const signed = (parts: Mime[], protocol?: string) => multipart('signed', parts, protocol ? { protocol } : {})
const encrypted = (parts: Mime[], protocol?: string) => multipart('encrypted', parts, protocol ? { protocol } : {})
const version = leaf('application/pgp-encrypted', 'Version: 1')
const octets = file('application/octet-stream', 'encrypted.asc')

test.each([
  ['signed with S/MIME', signed([words, p7s], 'application/pkcs7-signature'), ['smime signed multipart']],
  ['by its older name', signed([words, p7s], 'Application/X-PKCS7-Signature'), ['smime signed multipart']],
  ['without a protocol', signed([words, p7s]), ['smime signed multipart']],
  ['signed with PGP', signed([words, asc], 'application/pgp-signature'), ['openpgp signed multipart']],
  ['signed with what nobody knows', signed([words, leaf('a/b')], 'application/x-odd'), []],
  ['a signature in one file', p7m('signed-data'), ['smime signed opaque']],
  ['encrypted in one file', p7m('enveloped-data'), ['smime encrypted opaque']],
  ['encrypted and authenticated', p7m('authEnveloped-data', 'application/x-pkcs7-mime'), ['smime encrypted opaque']],
  ['a file that does not say which', p7m(), ['smime unknown opaque']],
  ['the same under no type', p7m(undefined, 'application/octet-stream'), ['smime unknown opaque']],
  ['certificates alone', p7m('certs-only'), []],
  ['encrypted with PGP', encrypted([version, octets], 'application/pgp-encrypted'), ['openpgp encrypted multipart']],
  [
    'encrypted with PGP, and taken apart on its way',
    multipart('mixed', [text(''), version, octets]),
    ['openpgp encrypted multipart in part'],
  ],
  [
    'signed, and encrypted in it',
    signed([p7m('enveloped-data'), p7s], 'application/pkcs7-signature'),
    ['smime signed multipart', 'smime encrypted opaque'],
  ],
  [
    'signed, with a footer of a list beside it',
    multipart('mixed', [signed([words, asc], 'application/pgp-signature'), text('footer')]),
    ['openpgp signed multipart in part'],
  ],
  [
    'another message that is signed',
    multipart('mixed', [words, attached({ subject: 'inner', root: signed([words, p7s]) })]),
    [],
  ],
  ['an ordinary message', multipart('mixed', [words, octets]), []],
])('%s', (_name, root, protections) => {
  expect(told(root)).toEqual(protections)
})

test('as many as are told, however deep they are nested', () => {
  let root = words
  for (let depth = 0; depth < 60; depth++) root = signed([root, p7s])
  expect(told(root)).toHaveLength(5)
})

const armor = (name: string) => `-----BEGIN PGP ${name}-----\n\nabc\n-----END PGP ${name}-----`
const clear = '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nwords\n'

test.each([
  [armor('MESSAGE'), ['encrypted', true]],
  [`\n${armor('MESSAGE')}\n\n`, ['encrypted', true]],
  [`Dear Ann,\n${armor('MESSAGE')}`, ['encrypted', false]],
  [`${clear}${armor('SIGNATURE')}\n`, ['signed', true]],
  [`${clear}${armor('SIGNATURE')}\nP.S. send money`, ['signed', false]],
  [`> ${armor('MESSAGE')}`, []],
  ['the line -----BEGIN PGP MESSAGE----- begins it', []],
  [armor('PUBLIC KEY BLOCK'), []],
  ['words', []],
  [null, []],
])('of the text %j', (source, expected) => {
  expect(inlineProtectionOf(source).flatMap(({ kind, is_whole }) => [kind, is_whole])).toEqual(expected)
})
