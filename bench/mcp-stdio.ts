/**
 * `rustymail mcp` from its start to its first answer, on its own with either adapter and as a bridge; beside it a Node
 * that does nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const runs = 15
const key = 'Zx8Qn2vTt5LkWq0aJ7rYbE3mH6sPdC9u'
const hello = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
}

/** @returns milliseconds until the first line on stdout, and from the end of stdin to that of the process. */
async function startOnce(words: string[], env: Record<string, string>): Promise<[number, number]> {
  const began = performance.now()
  const child = spawn(process.execPath, words, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.write(`${JSON.stringify(hello)}\n`)
  await once(child.stdout, 'data')
  const answered = performance.now()
  child.stdin.end()
  await once(child, 'exit')
  return [answered - began, performance.now() - answered]
}

async function median(words: string[], env: Record<string, string>) {
  const all: [number, number][] = []
  // The first start fills caches.
  await startOnce(words, env)
  for (let run = 0; run < runs; run++) all.push(await startOnce(words, env))
  const at = (index: 0 | 1, part: number) =>
    Math.round(all.map(each => each[index]).sort((a, b) => a - b)[Math.floor(runs * part)]!)
  return { first_answer_ms: { p50: at(0, 0.5), p95: at(0, 0.95) }, end_ms: { p50: at(1, 0.5), p95: at(1, 0.95) } }
}

export async function mcpStdio() {
  const home = mkdtempSync(join(tmpdir(), 'mcp-stdio-'))
  const env = { RUSTYMAIL_PORT: '0', RUSTYMAIL_API_KEY: key, RUSTYMAIL_LOG_LEVEL: 'warn' }
  const program = ['--max-semi-space-size=16', 'bin/rustymail.js']
  const server = spawn(process.execPath, [...program, 'serve'], {
    cwd: root,
    env: { ...process.env, ...env, RUSTYMAIL_DATA_DIR: join(home, 'server') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const url = /http\S+/.exec(String((await once(server.stdout, 'data'))[0]))?.[0] ?? ''
    const alone = { ...env, RUSTYMAIL_DATA_DIR: join(home, 'alone') }
    return {
      aim: 'first answer within 700 ms, gone within 2 s',
      bridge: await median([...program, 'mcp', '--url', url], { ...env, RUSTYMAIL_TOKEN: key }),
      alone_sdk: await median([...program, 'mcp'], { ...alone, RUSTYMAIL_MCP_ADAPTER: 'sdk' }),
      alone_native: await median([...program, 'mcp'], { ...alone, RUSTYMAIL_MCP_ADAPTER: 'native' }),
      peer_bare_node: await median(['--eval', 'process.stdin.once("data", () => console.log("{}")).resume()'], {}),
    }
  } finally {
    server.kill()
    await once(server, 'exit')
    rmSync(home, { recursive: true, force: true })
  }
}
