/** Names of files that strangers chose: one file in one folder, on every system. */
import { expect, test } from 'vitest'
import { DistinctFileNames, safeFileName } from './safe-file-name.ts'

test.each([
  ['plan.pdf', 'plan.pdf'],
  ['../../etc/passwd', '_.._etc_passwd'],
  ['..', 'file'],
  ['', 'file'],
  [' . ', 'file'],
  ['C:\\Windows\\x.exe', 'C_Windows_x.exe'],
  ['.bashrc', 'bashrc'],
  ['invoice\u202efdp.exe', 'invoice_fdp.exe'],
  ['a\u0000b\r\nc.txt', 'a_b_c.txt'],
  ['nul', '_nul'],
  ['COM1.txt', '_COM1.txt'],
  ['console.txt', 'console.txt'],
  ['report.pdf. . ', 'report.pdf'],
  ['Größe 文書.txt', 'Größe 文書.txt'],
  ['\ud800.txt', '\ufffd.txt'],
])('%j becomes %j', (name, safe) => {
  expect(safeFileName(name)).toBe(safe)
})

test('a long name is cut before its ending, and never within a character', () => {
  const safe = safeFileName(`${'😀'.repeat(200)}.tar.gz`)
  expect(safe).toMatch(/^(?:😀)+\ufffd?\.gz$/u)
  expect(safe.length).toBeLessThanOrEqual(150)
  expect(safeFileName(`a.${'x'.repeat(500)}`)).toHaveLength(150)
})

test('doubles are numbered, also where they differ in letters that some systems do not tell apart', () => {
  const names = new DistinctFileNames()
  const all = ['a.txt', 'A.txt', 'a.txt', 'a (2).txt', '..', '', 'e\u0301.txt', '\u00e9.txt'].map(name =>
    names.add(name),
  )
  expect(all).toEqual([
    'a.txt',
    'A (2).txt',
    'a (3).txt',
    'a (2) (2).txt',
    'file',
    'file (2)',
    'e\u0301.txt',
    '\u00e9 (2).txt',
  ])
})
