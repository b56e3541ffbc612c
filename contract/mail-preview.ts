/** Previews of messages, in lists that request them. */
import { z } from 'zod'

export const maxPreview = 200

export const Preview = z
  .string()
  .max(maxPreview)
  .nullable()
  .optional()
  .describe(
    'Beginning of its plain text; null if it has none. Only with `preview=true`, and in lists of a folder for the first 50 messages; requires `mail:read`',
  )

export const PreviewQuery = z
  .enum(['true', 'false'])
  .optional()
  .describe('Include the beginning of each message; requires `mail:read`')
