/** Sessions of work: the name that a caller gives one of its runs, by which the changes of that run are found and undone. */
import { z } from 'zod'
import type { RequestHeader } from './endpoint.ts'

export const sessionHeaderName = 'RustyMail-Session'

export const WorkSession = z
  .string()
  .regex(/^[\x21-\x7e]{1,64}$/, 'must be 1–64 visible ASCII characters')
  .describe('Session of work: the name that the caller gave its run')
  .meta({ examples: ['run-2026-11-29-a'] })

/** The header of the session of work. Every request may have it; it is documented where it is stored. */
export const sessionHeader: RequestHeader = {
  name: sessionHeaderName,
  description:
    'Your own name for this run, 1–64 visible ASCII characters: changes are stored with it, and can be undone by it. It distinguishes the runs of one caller and grants nothing',
  example: 'run-2026-11-29-a',
}
