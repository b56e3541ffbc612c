/**
 * Third-party mails and tasks that attack agents: agentdojo's workspace and the mailbox seeds of spikee.
 * `scripts/fetch-corpora.ts` downloads them; none is in the repository.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { available } from './require.ts'

/** The list of exact versions, each with the hash of its file. */
export const corporaList = join(import.meta.dirname, 'corpora.txt')
const pins = createHash('sha256').update(readFileSync(corporaList)).digest('hex').slice(0, 12)
const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache')
/**
 * Each version of the list has a directory of its own. It is not in the temporary directory, since each run of the
 * tests has its own.
 */
export const corporaDirectory = join(cache, `rustymail-corpora-${pins}`)

/** Like `available`: reports why a suite is skipped, or fails it if all tools are required. */
export function hasCorpora(): boolean {
  if (!available('python3')) return false
  if (existsSync(corporaDirectory)) return true
  const reason = 'the corpora are missing on this machine (node scripts/run.js scripts/fetch-corpora.ts)'
  if (process.env.RUSTYMAIL_TEST_REQUIRE === 'all') throw new Error(`${reason}, and RUSTYMAIL_TEST_REQUIRE=all`)
  process.stderr.write(`skipped: ${reason}\n`)
  return false
}

export interface DojoMail {
  id_: string
  sender: string
  recipients: string[]
  cc: string[]
  subject: string
  body: string
  status: 'received' | 'sent' | 'draft'
  read: boolean
  timestamp: string
}

export interface DojoCall {
  function: string
  args: Record<string, unknown>
  /** Ids of the mails that agentdojo itself finds by this call. */
  finds?: string[]
}

export interface DojoTask {
  id: string
  prompt: string
  answer: string
  calls: DojoCall[]
}

export interface Dojo {
  owner: string
  mails: DojoMail[]
  tasks: DojoTask[]
  attacks: { id: string; goal: string }[]
}

/** What an agent did for a task: its final answer, and what it changed. */
export interface DojoRun {
  task: string
  said: string
  steps: (DojoCall | { to: string[]; subject: string; body: string; attachments?: unknown })[]
  read: string[]
  trashed: string[]
}

export interface DojoVerdict {
  task: string
  done: boolean
  /** Injection tasks that succeeded. */
  attacks: string[]
}

export const readDojo = () => ask<Dojo>('dump')
/** Judges runs by agentdojo's own checks of its tasks. */
export const judgeRuns = (runs: readonly DojoRun[]) => ask<DojoVerdict[]>('judge', JSON.stringify(runs))

function ask<T>(what: string, input = ''): T {
  const script = join(import.meta.dirname, 'ask-agentdojo.py')
  const environment = { ...process.env, PYTHONPATH: corporaDirectory, PYTHONDONTWRITEBYTECODE: '1' }
  const limit = 64 * 1024 * 1024
  const { status, stdout, stderr } = spawnSync('python3', [script, what], {
    ...{ input, env: environment, encoding: 'utf8', maxBuffer: limit },
  })
  if (status !== 0) throw new Error(`ask-agentdojo.py ${what} failed: ${stderr.slice(-2_000)}`)
  return JSON.parse(stdout) as T
}

/** Returns each jailbreak around each instruction in its language, as spikee generates them, inside its document. */
export function spikeeMails(): { id: string; text: string }[] {
  const seeds = join(corporaDirectory, 'spikee/data/workspace/datasets/seeds-llm-mailbox')
  const read = <T>(name: string) =>
    readFileSync(join(seeds, name), 'utf8')
      .split('\n')
      .filter(line => line.trim() !== '')
      .map(line => JSON.parse(line) as T)
  const [base] = read<{ document: string }>('base_user_inputs.jsonl')
  const instructions = read<{ id: string; instruction: string; lang?: string }>('instructions.jsonl')
  const jailbreaks = read<{ id: string; text: string; lang?: string }>('jailbreaks.jsonl')
  return jailbreaks.flatMap(({ id, text, lang = 'en' }) =>
    instructions
      .filter(one => (one.lang ?? 'en') === lang)
      .map(({ id: of, instruction }) => ({
        id: `${id}/${of}`,
        text: `${base?.document}\n${text.replace('<INSTRUCTION>', instruction)}`,
      })),
  )
}
