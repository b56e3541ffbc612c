/** Writes the files of `tnef-files.ts` into the directory named on the command line, for `tnef-files.py`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tnefFiles } from './tnef-files.ts'

const [, , directory = 'tnef'] = process.argv
mkdirSync(directory, { recursive: true })
writeFileSync(join(directory, 'names.json'), JSON.stringify(Object.keys(tnefFiles)))
for (const [at, bytes] of Object.values(tnefFiles).entries()) writeFileSync(join(directory, `${at}.tnef`), bytes)
