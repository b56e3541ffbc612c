/** Puts a `.br` and a `.gz` beside each built file that is worth it, so that the server need not compress them each time. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'

const fromBytes = 1024

export function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    writeBundle(options) {
      const dir = options.dir!
      const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
      for (const name of names.filter(file => /\.(js|css|html|svg)$/.test(file))) {
        const bytes = readFileSync(join(dir, name))
        if (bytes.length < fromBytes) continue
        writeFileSync(join(dir, `${name}.br`), brotliCompressSync(bytes))
        writeFileSync(join(dir, `${name}.gz`), gzipSync(bytes, { level: 9 }))
      }
    },
  }
}
