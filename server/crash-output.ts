/**
 * Logs the error that crashes the process in the form of the log. Node would print all properties of the error, and
 * libraries attach what they were sent.
 */
import { LogLines } from './platform/log-lines.ts'
import { flushed } from './platform/log-output.ts'
import { LogSecrets } from './platform/log-secrets.ts'
import { createLogger } from './platform/logger.ts'

/** How long a crashing process waits for its log to be read, in ms. */
const lastWordsMs = 500
const mostLogged = 10

interface CrashOutput {
  /** The secrets that the environment gave, set once it is read. */
  secrets: readonly string[]
}

/** Logs uncaught exceptions and exits; unhandled rejections too, which Node raises as uncaught exceptions. */
export function logCrashes(): CrashOutput {
  const output: CrashOutput = { secrets: [] }
  let logged = 0
  process.on('uncaughtException', err => {
    // Errors after the first must be handled here too, or Node would print them.
    if (logged++ >= mostLogged) return
    const lines = new LogLines({ out: process.stderr, secrets: new LogSecrets(output.secrets), maxLines: 1 })
    createLogger('fatal', lines).fatal({ err }, 'RustyMail ends: this is an error in RustyMail itself')
    void flushed(process.stderr, lastWordsMs).finally(() => process.exit(1))
  })
  return output
}
