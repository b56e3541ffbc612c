/**
 * Gives the page the contract as plain data: `api`, `problems` and other tables, rendered at build time. Types come
 * from the real files; schemas stay on the server, which validates input and output, so the page carries no zod.
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

/** Exports what JSON can express; schemas and functions are not exported, so that importing one fails the build. */
function renderModule(exports: Record<string, unknown>): string {
  return Object.entries(exports)
    .filter(([, value]) => !isSchema(value) && typeof value !== 'function')
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value, withoutSchemas)}`)
    .join('\n')
}

/** Descriptions that only OpenAPI shows are left out too. */
function withoutSchemas(key: string, value: unknown): unknown {
  return isSchema(value) || key === 'summary' || key === 'description' || key === 'tag' ? undefined : value
}

/** Returns the JSON Schema of the type with that id, from whichever file of the contract defines it. */
export async function schemaOf(directory: string, id: string): Promise<unknown> {
  for (const name of readdirSync(directory).filter(file => file.endsWith('.ts'))) {
    const exports = await importContract(join(directory, name))
    const type = exports[id]
    if (!isSchema(type)) continue
    const schema = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any', reused: 'inline' })
    // A type with an id is under `$defs` when it is rendered alone.
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
