/**
 * Gives the page the contract as plain data: `api`, `problems` and other tables, rendered when it is built. The types come
 * from the real files; the schemas stay on the server, which checks what comes in and goes out, so the page carries no zod.
 * `contract/<Id>.schema` is the JSON Schema of the type with that id, for forms.
 */
import { readdirSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'vite'
import { z } from 'zod'

const schemaSuffix = '.schema'

export function contractForThePage(directory: string): Plugin {
  const isInside = (file: string) => !relative(directory, file).startsWith('..')
  return {
    name: 'contract-for-the-page',
    enforce: 'pre',
    resolveId(source, importer) {
      if (!importer || !source.startsWith('.')) return undefined
      const file = resolve(dirname(importer), source)
      return isInside(file) ? file : undefined
    },
    async load(file) {
      if (!isInside(file)) return undefined
      if (file.endsWith(schemaSuffix)) {
        return `export default ${JSON.stringify(await schemaOf(directory, basename(file, schemaSuffix)))}`
      }
      return renderModule(await importContract(file))
    },
  }
}

/** What can be said as JSON is exported; schemas and functions are not, so that importing one fails the build. */
function renderModule(exports: Record<string, unknown>): string {
  return Object.entries(exports)
    .filter(([, value]) => !isSchema(value) && typeof value !== 'function')
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value, withoutSchemas)}`)
    .join('\n')
}

/** The words for people that only OpenAPI shows are left out too. */
function withoutSchemas(key: string, value: unknown): unknown {
  return isSchema(value) || key === 'summary' || key === 'description' || key === 'tag' ? undefined : value
}

/** The JSON Schema of the type with that name, whichever file of the contract it stands in. */
export async function schemaOf(directory: string, id: string): Promise<unknown> {
  for (const name of readdirSync(directory).filter(file => file.endsWith('.ts'))) {
    const exports = await importContract(join(directory, name))
    const type = exports[id]
    if (!isSchema(type)) continue
    const schema = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any', reused: 'inline' })
    // A type with an id stands under `$defs` when it is rendered alone.
    return schema.$defs?.[id] ?? schema
  }
  throw new Error(`contract has no type ${id}`)
}

function importContract(file: string): Promise<Record<string, unknown>> {
  return import(pathToFileURL(file).href)
}

function isSchema(value: unknown): value is z.ZodType {
  return value instanceof z.ZodType
}
