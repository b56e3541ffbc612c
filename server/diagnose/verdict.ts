/** Condenses all checks to one sentence about the most important fault, and advice in order. */
import type { Diagnosis } from '../../contract/diagnose.ts'
import type { Check } from './check.ts'

const parts: Readonly<Record<Check['part'], string>> = {
  imap: 'Reading mail (IMAP): ',
  smtp: 'Sending mail (SMTP): ',
  account: '',
}
const mostAdvice = 10
const noAdvice =
  'Try again later. If this persists, ask the operator of the mail server, with the report of this diagnosis.'

export function verdictOf(checks: readonly Check[]): Pick<Diagnosis, 'state' | 'verdict' | 'advice'> {
  const failed = checks.filter(({ state }) => state === 'failed')
  const warned = checks.filter(({ state }) => state === 'warning')
  const [first] = [...failed, ...warned]
  const advice = [...new Set([...failed, ...warned].flatMap(check => check.advice))].slice(0, mostAdvice)
  if (!first) {
    const isPart = checks.some(({ id, state }) => id === 'login' && state === 'skipped')
    const verdict = isPart ? 'Nothing wrong was found in what was checked.' : 'Everything works.'
    return { state: 'ok', verdict, advice: [] }
  }
  const verdict = `${parts[first.part]}${first.words}`.slice(0, 1_000)
  return { state: failed.length > 0 ? 'failed' : 'warning', verdict, advice: advice.length > 0 ? advice : [noAdvice] }
}
