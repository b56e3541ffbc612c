/** What the one who asks for a human's yes did in the last hour. */
import { z } from 'zod'
import { Timestamp } from './wire.ts'

export const AskerActivity = z.object({
  since: Timestamp,
  sent: z.int(),
  held: z.int(),
  denied: z.int(),
  changes: z.int().describe('Messages that it asked to change, whether or not a human applied that'),
  read_strangers: z.int().describe('Messages of strangers that it read'),
  calls: z.array(z.object({ name: z.string(), count: z.int() })).describe('What the token called in the last hour'),
})
export type AskerActivity = z.infer<typeof AskerActivity>
