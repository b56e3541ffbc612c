/** Builds the page from `web/` into `dist/web`. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { contractForThePage } from './scripts/contract-plugin.ts'
import { precompress } from './scripts/precompress-plugin.ts'

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/**
 * Every page has the rail, so its icons are one file and not twenty, each of which would also be listed in the first
 * one.
 */
const railIcons = [...readFileSync(path('./web/shell/navigation.ts'), 'utf8').matchAll(/^ {2}([A-Z]\w+),$/gm)].map(
  ([, name]) => name!.replaceAll(/(?<=[a-z])[A-Z]/g, letter => `-${letter}`).toLowerCase(),
)
const rail = new RegExp(
  `/web/shell/navigation\\.ts$|/lucide-react/dist/esm/(?!icons/|dynamic)|/icons/(?:${railIcons.join('|')})\\.m?js$`,
)

// A test runner's NODE_ENV would otherwise build a slow, large React that a server then keeps serving.
process.env.NODE_ENV = 'production'

export default defineConfig({
  root: path('./web/'),
  plugins: [contractForThePage(path('./contract/')), react(), tailwind(), precompress()],
  worker: { format: 'es', plugins: () => [contractForThePage(path('./contract/'))] },
  build: {
    outDir: path('./dist/web/'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    // The page allows no data: script or style, so small files are not inlined.
    assetsInlineLimit: 0,
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'rail', test: rail }] } } },
  },
})
