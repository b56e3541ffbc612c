/** Health of all event streams of the server. */
import { z } from 'zod'
import { Timestamp } from './wire.ts'

const wholeOnly = 'null for callers that do not see all accounts'

/** Health of all event streams. Counters start when the server starts. */
export const StreamHealth = z
  .object({
    streams: z.int().describe('Open now'),
    max_streams: z.int(),
    deliveries_per_second: z
      .number()
      .nullable()
      .describe(`Events written to streams, over the last 60 s or since the server started; ${wholeOnly}`),
    sent: z.int().nullable().describe(`Facts and states written to streams; ${wholeOnly}`),
    dropped: z.int().describe('States skipped for slow streams, superseded by newer ones'),
    bytes_sent: z
      .int()
      .nullable()
      .describe(`Written to streams, including heartbeats and all other content; ${wholeOnly}`),
    replays: z
      .int()
      .describe(
        'Streams that were opened with an id from which they could resume: by clients that reconnected, and by pages at their first load',
      ),
    replayed_facts: z.int().nullable().describe(`Missed facts replayed to those; ${wholeOnly}`),
    gaps: z.int().describe('Gaps reported to streams'),
    slow_consumers: z.int().describe('Streams closed because their reader was too slow'),
    log: z
      .object({
        epoch: z.string(),
        oldest: z
          .int()
          .nullable()
          .describe(
            'From this number on the log has every fact, and streams can resume; null while there is none. Older administrative facts may be kept, without those between them',
          ),
        newest: z.int().describe('Number of the newest fact; 0 while there was none'),
        facts: z.int().describe('Number of facts from `oldest` on; older administrative facts are not counted'),
        held_in_memory: z.int().describe('Number of the newest facts that are replayed without reading the database'),
      })
      .nullable()
      .describe(wholeOnly),
    heartbeat_seconds: z.number(),
    server_time: Timestamp,
  })
  .meta({ id: 'StreamHealth' })
export type StreamHealth = z.infer<typeof StreamHealth>
