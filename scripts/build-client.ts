/**
 * Builds `rustymail/client`. Run directly, it generates what the sources in `client/` take from the contract: `node
 * scripts/run.js scripts/build-client.ts`. The package gets one module without dependencies, and its types.
 */
import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { build } from 'vite'
import { clientTable, clientTypes } from './client-code.ts'

const root = join(import.meta.dirname, '..')

/** Writes the module `index.js` and its types into a folder. It targets Node 20 and browsers of 2023. */
export async function buildClient(out: string): Promise<void> {
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      lib: { entry: join(root, 'client/index.ts'), formats: ['es'], fileName: () => 'index.js' },
      outDir: out,
      emptyOutDir: false,
      copyPublicDir: false,
      target: 'es2022',
      minify: true,
    },
  })
  const types = mkdtempSync(join(tmpdir(), 'rustymail-client-'))
  try {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    execFileSync(process.execPath, [compiler, '-p', join(root, 'client'), '--noEmit', 'false', '--outDir', types])
    const files = [...globSync(join(types, 'client/*.d.ts')), join(root, 'client/api.d.ts')]
    for (const file of files) {
      const text = readFileSync(file, 'utf8').replaceAll(/(from '\.\/[\w-]+)(?:\.d)?\.ts'/g, "$1.js'")
      writeFileSync(join(out, basename(file)), text)
    }
  } finally {
    rmSync(types, { recursive: true })
  }
}

if (import.meta.main) {
  writeFileSync(join(root, 'client/endpoints.ts'), clientTable())
  writeFileSync(join(root, 'client/api.d.ts'), clientTypes())
}
