/** What a file of a stranger is sent with, whatever it is called. */
import { expect, test } from 'vitest'
import { fileHeaders, measuredHeaders } from './security-headers.ts'

const disposition = (name: string) => fileHeaders(name)['content-disposition']

test.each([
  ['Grüße.pdf', `attachment; filename="Gr__e.pdf"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf`],
  [
    'a"; filename=b.exe\r\nX: y',
    `attachment; filename="a_; filename=b.exe_X_ y"; filename*=UTF-8''a_%3B%20filename%3Db.exe_X_%20y`,
  ],
  ['half \ud83d', `attachment; filename="half _"; filename*=UTF-8''half%20%EF%BF%BD`],
])('a file named %j', (name, wanted) => {
  expect(disposition(name)).toBe(wanted)
})

test('a long name is cut before its ending, also in the middle of a character', () => {
  const letters = 'a'.repeat(145)
  expect(disposition(`${letters}😀b.txt`)).toBe(
    `attachment; filename="${letters}_.txt"; filename*=UTF-8''${letters}%EF%BF%BD.txt`,
  )
})

test('a frame that is measured keeps its origin, and runs, loads and opens nothing', () => {
  const policy = measuredHeaders()['content-security-policy']!
  expect(policy).toMatch(/^sandbox allow-same-origin; default-src 'none'; img-src data:; style-src 'unsafe-inline'; /)
  expect(policy).not.toMatch(/allow-scripts|allow-popups|allow-forms|allow-top/)
})
