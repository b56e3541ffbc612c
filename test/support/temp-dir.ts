/** A temporary directory for a test, deleted by `remove`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TempDir {
  path: string
  remove(): void
}

export function tempDir(name = 'test'): TempDir {
  const path = mkdtempSync(join(tmpdir(), `rustymail-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }) }
}
