/** Which attached files are marked, and which are not. */
import { expect, test } from 'vitest'
import { fileRisk } from './file-risk.ts'

const bytes = 'application/octet-stream'

test.each([
  ['setup.exe', bytes, 'Program'],
  ['RUN.JS', bytes, 'Program'],
  ['invoice.pdf.exe', bytes, 'Program, not PDF'],
  ['Invoice.PDF          .scr', bytes, 'Program, not PDF'],
  ['photo.jpg.lnk. .', bytes, 'Program, not JPG'],
  // Shown from right to left it ends in `pdf`.
  ['annual\u202efdp.exe', bytes, 'Program'],
  ['report.pdf.e\u200bxe', bytes, 'Program, not PDF'],
  ['backup.iso', bytes, 'Disk image'],
  ['budget.xlsm', bytes, 'May contain macros'],
  ['report.pdf', 'application/x-msdownload', 'Program'],
  [null, 'application/x-msdownload', 'Program'],
])('%j of %s is marked', (name, type, text) => {
  expect(fileRisk(name, type)?.text).toBe(text)
})

test('a program named like a document is worse than one that is called so', () => {
  expect([fileRisk('invoice.pdf.exe', bytes)?.tone, fileRisk('setup.exe', bytes)?.tone]).toEqual(['bad', 'warn'])
})

test.each(['minutes.pdf', 'exe', 'notes about setup.exe.pdf', 'v1.2.tar.gz', 'Dr. Com', 'photo.png', '.js.txt', ''])(
  '%j is not marked',
  name => {
    expect(fileRisk(name, bytes)).toBeUndefined()
  },
)
