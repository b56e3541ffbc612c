/** Schemas for sender-controlled texts of mail, bounded in length, and for the people that mail names. */
import { z } from 'zod'
import { mailBounds } from './text-bounds.ts'

export { mailBounds } from './text-bounds.ts'

export const Address = z
  .object({
    name: z.string().max(mailBounds.name).nullable(),
    email: z.string().max(mailBounds.email).describe('Empty if there is none'),
  })
  .meta({ id: 'Address' })
export type Address = z.infer<typeof Address>
