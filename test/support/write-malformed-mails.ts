/** Writes each message of `malformed-mails.ts` into a directory, for `malformed-mails.py`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { malformedMails } from './malformed-mails.ts'

const directory = process.argv[2] ?? ''
mkdirSync(directory, { recursive: true })
for (const [name, raw] of Object.entries(malformedMails)) writeFileSync(join(directory, `${name}.eml`), raw)
