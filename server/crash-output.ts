/** The last words of a process that an error of ours ends: as the log tells errors. Node would write all that hangs on one, and libraries hang on it what they were sent. */
import { LogLines } from './platform/log-lines.ts'
import { flushed } from './platform/log-output.ts'
import { LogSecrets } from './platform/log-secrets.ts'
import { createLogger } from './platform/logger.ts'

/** For the reader of the log. */
const lastWordsMs = 500
const mostTold = 10

interface CrashOutput {
  /** What the environment gave, once it is read. */
  secrets: readonly string[]
}

/** Of promises that nobody owns as well, which Node makes the same of. */
export function tellCrashes(): CrashOutput {
  const output: CrashOutput = { secrets: [] }
  let told = 0
  process.on('uncaughtException', err => {
    // Those that come behind the first one would else be written by Node.
    if (told++ >= mostTold) return
    const lines = new LogLines({ out: process.stderr, secrets: new LogSecrets(output.secrets), maxLines: 1 })
    createLogger('fatal', lines).fatal({ err }, 'RustyMail ends: this is an error in RustyMail itself')
    void flushed(process.stderr, lastWordsMs).finally(() => process.exit(1))
  })
  return output
}
