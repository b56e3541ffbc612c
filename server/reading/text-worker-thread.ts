/** The thread of a `TextWorker`: runs one job after the other, and loads only the modules that they need. */
import { flushCompileCache } from 'node:module'
import { parentPort } from 'node:worker_threads'
import type { JobAnswer, JobMessage, TextJob, TextJobs } from './text-jobs.ts'

type Work<Job extends TextJob> = (
  input: TextJobs[Job]['input'],
) => TextJobs[Job]['output'] | Promise<TextJobs[Job]['output']>
type Jobs = { [Job in TextJob]: () => Promise<Work<Job>> }

const jobs: Jobs = {
  cleanHtml: async () => (await import('./clean-html.ts')).cleanHtml,
  decodeBody: async () => (await import('./decode-body.ts')).decodeBody,
  readCalendar: async () => (await import('./calendar.ts')).readCalendar,
  readRtf: async () => (await import('./rtf-text.ts')).readRtf,
  readParts: async () => (await import('./read-parts.ts')).readParts,
  unseenWords: async () => (await import('./unseen-words.ts')).unseenWords,
  writeBody: async () => (await import('./outgoing-body.ts')).writeBody,
}

async function answerTo({ job, input }: JobMessage): Promise<JobAnswer> {
  try {
    const work = await jobs[job]()
    parentPort?.postMessage('begun' satisfies JobAnswer)
    return { output: await work(input as never) }
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) }
  }
}

parentPort?.on('message', async (message: JobMessage) => {
  parentPort?.postMessage(await answerTo(message))
  // Saves compiled code for the next thread, since this one may be terminated without notice.
  flushCompileCache()
})
