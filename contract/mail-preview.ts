/** How a message begins, in lists that ask for it. */
import { z } from 'zod'

export const maxPreview = 200

export const Preview = z
  .string()
  .max(maxPreview)
  .nullable()
  .optional()
  .describe(
    'How its plain text begins; null where it has none. In lists only, with `preview=true`, for the first 50 and for callers that may read mail',
  )

export const PreviewQuery = z
  .enum(['true', 'false'])
  .optional()
  .describe('Whether to read how each message begins: `mail:read`')
