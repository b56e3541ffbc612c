/** Activity in the last hour of the caller that asks for an approval. */
import { z } from 'zod'
import { Timestamp } from './wire.ts'

export const AskerActivity = z.object({
  since: Timestamp,
  sent: z.int(),
  held: z.int(),
  denied: z.int(),
  changes: z.int().describe('Messages that it requested to change, whether or not a human applied the change'),
  read_strangers: z.int().describe('Strangers’ messages that it read'),
  calls: z.array(z.object({ name: z.string(), count: z.int() })).describe('Calls of the token in the last hour'),
})
export type AskerActivity = z.infer<typeof AskerActivity>
