/** Why not all of a message is known. */
import { z } from 'zod'

export const MessageFault = z
  .enum([
    'headers_too_large',
    'structure_too_large',
    'structure_missing',
    'unreadable',
    'structure_too_deep',
    'encrypted',
    'repeated_headers',
  ])
  .describe(
    'Why not all of a message is known: its headers or its parts are too many or too long and were cut; the mail server does not say of ' +
      'which parts it is made; what the server says of it cannot be read at all; parts are nested more than 50 deep; it is encrypted, or ' +
      'wrapped in an S/MIME signature; or From, Subject or another header that may stand once stands there several times, of which the first ' +
      'counts',
  )
export type MessageFault = z.infer<typeof MessageFault>
