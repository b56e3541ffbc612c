/**
 * Tests the README's first line as users run it: `npm ci && npm start` in a clean copy with npm 10.8 and 10.9, which do
 * not link the bundled Node, and `npm start` here with this machine's npm. A part of `.ci/run`.
 */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

interface Tools {
  /** The Node that runs npm. */
  node: string
  /** Path of npm-cli.js, or undefined for this machine's npm. */
  npm?: string
}

const root = join(import.meta.dirname, '..')
const home = mkdtempSync(join(tmpdir(), 'rustymail-two-commands-'))
/** Without the directories that npm prepended for us, which would hide what is tested. */
const path = (process.env.PATH ?? '')
  .split(delimiter)
  .filter(folder => !folder.includes('node_modules'))
  .join(delimiter)
const ownNode = path
  .split(delimiter)
  .map(folder => join(folder, 'node'))
  .find(file => existsSync(file))

try {
  const clean = join(home, 'clean')
  for (const file of execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean)) {
    if (existsSync(join(root, file))) cpSync(join(root, file), join(clean, file))
  }
  const npm = (version: string) => join(unpack(`npm@${version}`), 'bin/npm-cli.js')
  const node = (version: string) => join(unpack(`node-linux-${process.arch}@${version}`), 'bin/node')
  // The oldest on which npm installs the page's build tools; the page is built here once, and reused by what follows.
  const oldest = { node: node('20.19.0'), npm: npm('10.8.2') }
  install(oldest, clean)
  await startAndStop(oldest, clean)
  const version = output(oldest.node, ['scripts/run.js', '-p', 'process.version'], clean)
  if (!version.startsWith('v24.')) throw new Error(`tools do not run on Node 24: ${version}`)
  // The published package has nothing to build.
  const help = output(node('18.20.8'), ['bin/rustymail.js', '--help'], clean)
  if (!help.startsWith('Usage: rustymail')) throw new Error(`no help: ${help}`)
  const own = ownNode ?? process.execPath
  const later = { node: own, npm: npm('10.9.2') }
  install(later, clean)
  await startAndStop(later, clean)
  await startAndStop({ node: own }, root)
} finally {
  rmSync(home, { recursive: true, force: true })
}

function output(command: string, args: string[], cwd: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8' })
}

/** @returns The folder of the package. */
function unpack(name: string): string {
  const folder = join(home, name)
  mkdirSync(folder)
  const packed = execFileSync('npm', ['pack', '--json', name], { cwd: folder, encoding: 'utf8' })
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
  execFileSync('tar', ['xzf', filename], { cwd: folder })
  return join(folder, 'package')
}

function commandOf({ node, npm }: Tools, args: string[]): [string, string[]] {
  return npm === undefined ? ['npm', args] : [node, [npm, ...args]]
}

function environment({ node }: Tools): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [dirname(node), path].join(delimiter) }
}

/** Installs, and fails on any warning. */
function install(tools: Tools, folder: string): void {
  const [command, args] = commandOf(tools, ['ci', '--no-audit', '--no-fund'])
  const { stdout, stderr } = runQuietly(command, args, folder, tools)
  // npm 10 also exits with 0 after some failures.
  if (stderr.trim() !== '') throw new Error(`npm ci warns or failed:\n${stderr}`)
  console.log(`npm ci: ${stdout.trim()}`)
}

function runQuietly(command: string, args: string[], cwd: string, tools: Tools): { stdout: string; stderr: string } {
  const script = 'exec "$0" "$@" 2>"$STDERR"'
  const file = join(home, 'stderr')
  const env = { ...environment(tools), STDERR: file }
  const stdout = execFileSync('sh', ['-c', script, command, ...args], { cwd, env, encoding: 'utf8' })
  return { stdout, stderr: execFileSync('cat', [file], { encoding: 'utf8' }) }
}

/** SIGTERM to npm must not leave a server behind: the pipe closes with the last process that holds it. */
async function startAndStop(tools: Tools, folder: string): Promise<void> {
  const dataDir = mkdtempSync(join(home, 'data-'))
  const [command, args] = commandOf(tools, ['start'])
  const child: ChildProcessByStdio<null, Readable, null> = spawn(command, args, {
    cwd: folder,
    env: { ...environment(tools), RUSTYMAIL_PORT: '0', RUSTYMAIL_DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  const url = await listeningAddress(child.stdout)
  const page = await fetch(url, { headers: { accept: 'text/html' } })
  if (!(await page.text()).includes('<div id="root"')) throw new Error(`no page at ${url}`)
  child.stdout.resume()
  child.kill('SIGTERM')
  await closed
  for (const name of ['rustymail.pid', 'rustymail.lock']) {
    if (existsSync(join(dataDir, name))) throw new Error(`${name} was left behind`)
  }
  console.log(`npm start and SIGTERM: ${tools.npm ?? 'npm'} on ${tools.node}`)
}

async function listeningAddress(stdout: Readable): Promise<string> {
  for await (const line of createInterface({ input: stdout })) {
    const [url] = /http:\/\/[\d.]+:\d+$/.exec(line) ?? []
    if (url) return url
  }
  throw new Error('npm start ended without listening')
}
