/** Reasons why a message is incomplete. */
import { z } from 'zod'

export const MessageFault = z
  .enum([
    'headers_too_large',
    'structure_too_large',
    'structure_missing',
    'unreadable',
    'structure_too_deep',
    'encrypted',
    'packed_for_outlook',
    'repeated_headers',
  ])
  .describe(
    'Why a message is incomplete: its headers or parts are too many or too long and were truncated; the mail server does not report ' +
      'its parts; the server’s description of it is unreadable; parts are nested more than 50 levels deep; it is encrypted, or ' +
      'wrapped in an S/MIME signature; its attachments, and maybe its text, are packed in a file of Outlook (`winmail.dat`, TNEF): in lists always, for a single message if it could not be unpacked completely; or From, Subject or another header that may occur once occurs several times, of which the first ' +
      'counts',
  )
export type MessageFault = z.infer<typeof MessageFault>
