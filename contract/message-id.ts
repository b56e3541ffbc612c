/** Ids of messages and threads in an indexed account. */
import { z } from 'zod'

export const MessageId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{20}$/, 'is not a message id')
  .describe('Stable: survives moves, restarts and a rebuilt index')
  .meta({ examples: ['mT8Zq1cW0bVx-5RkYw3E'] })

export const ThreadId = z
  .string()
  .regex(/^[a-z0-9]{1,11}$/, 'is not a thread id')
  .describe('May change when a message arrives that connects two threads')
  .meta({ examples: ['1k7qz0x3v9'] })
