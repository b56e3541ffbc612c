/** Both adapters of MCP against the conformance suite of the protocol: every scenario for servers, in the last two revisions. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createNativeAdapter } from '../../server/mcp/native-adapter.ts'
import { createSdkAdapter } from '../../server/mcp/sdk-adapter.ts'
import { type FixtureServer, startFixtureServer } from '../support/mcp-fixture-server.ts'
import { peerFile } from '../support/mcp-peers.ts'
import { available } from '../support/require.ts'
import { tempDir } from '../support/temp-dir.ts'

const adapters = { sdk: createSdkAdapter, native: createNativeAdapter }
const suite = '@modelcontextprotocol/conformance'

/** Scenarios that cannot apply to a server like RustyMail, with the reason. Scenarios that pass must not be listed. */
const doNotApply: Record<string, Record<string, string>> = {
  '2025-11-25': {},
  '2026-07-28': {
    'http-custom-header-server-validation':
      'wants a tool that mirrors an argument in a header (x-mcp-header): no tool of RustyMail does',
  },
}

interface Check {
  id: string
  status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO'
  errorMessage?: string
}

/** Returns the failures of each scenario that ran. */
async function run(url: string, revision: string): Promise<Map<string, string[]>> {
  const directory = tempDir('conformance')
  onTestFinished(() => directory.remove())
  const { path: folder } = directory
  const args = ['server', '--url', url, '--suite', 'all', '--spec-version', revision, '-o', folder]
  const child = spawn(process.execPath, [peerFile(`${suite}/dist/index.js`), ...args], { stdio: 'ignore' })
  await once(child, 'close')
  const faults = readdirSync(folder).map(name => {
    const scenario = /^server-(.*)-\d{4}-\d\d-\d\dT.*$/.exec(name)?.[1] ?? name
    const checks: Check[] = JSON.parse(readFileSync(join(folder, name, 'checks.json'), 'utf8'))
    const failed = checks.filter(({ status }) => status === 'FAILURE')
    return [scenario, failed.map(({ id, errorMessage }) => `${id}: ${errorMessage}`)] as const
  })
  return new Map(faults)
}

/** Returns the scenarios as the suite froze them when the revision was released. */
function requiredBy(revision: string): string[] {
  const text = readFileSync(peerFile(`${suite}/requirements/${revision}.yaml`), 'utf8')
  const [, list = ''] = /^server:\n((?: {2}- .*\n)+)/m.exec(text) ?? []
  return [...list.matchAll(/- (\S+)/g)].map(([, name]) => name!)
}

describe.skipIf(!available('mcp-peers')).each(Object.entries(adapters))('the adapter %s', (_name, create) => {
  let server: FixtureServer
  beforeAll(async () => {
    server = await startFixtureServer(create)
  })
  afterAll(() => server.close())

  test.each(Object.keys(doNotApply))('conforms to %s', async revision => {
    const faults = await run(server.url, revision)
    const required = requiredBy(revision)
    expect(required.length).toBeGreaterThan(29)
    expect([...faults.keys()]).toEqual(expect.arrayContaining(required))
    const failed = Object.fromEntries([...faults].filter(([, said]) => said.length > 0))
    const excused = doNotApply[revision] ?? {}
    expect(Object.keys(excused).filter(name => required.includes(name) || !faults.has(name))).toEqual([])
    expect(Object.fromEntries(Object.entries(failed).filter(([name]) => !(name in excused)))).toEqual({})
    // A scenario that passes by now is no longer excused.
    expect(Object.keys(failed).sort()).toEqual(Object.keys(excused).sort())
  })
})
