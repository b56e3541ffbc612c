/** What an invitation in a message says (RFC 5545), in the words of its author. */
import { z } from 'zod'
import { Address, mailBounds } from './mail-bounds.ts'
import { Timestamp } from './wire.ts'

export const CalendarTime = z
  .object({
    local: z.string().max(40).describe('`2026-12-01T10:00:00` as its clocks show it, or a whole day as `2026-12-01`'),
    time_zone: z.string().max(100).nullable().describe('Name of the time zone; null where none is given'),
    utc: Timestamp.nullable().describe('Null for whole days, and where the time zone is not known'),
  })
  .meta({ id: 'CalendarTime' })
export type CalendarTime = z.infer<typeof CalendarTime>

export const CalendarEvent = z
  .object({
    uid: z.string().max(mailBounds.id).nullable(),
    summary: z.string().max(mailBounds.subject),
    location: z.string().max(mailBounds.subject).nullable(),
    start: CalendarTime.nullable(),
    end: CalendarTime.nullable(),
    recurrence: z.string().max(mailBounds.name).nullable().describe('The rule of a series (RFC 5545, section 3.3.10)'),
    recurrence_words: z
      .string()
      .max(mailBounds.name)
      .nullable()
      .describe(
        'The same in plain English, such as `every Tuesday until 3 March 2027`; null where there is no rule, or words would say less than it does',
      ),
    exceptions: z.int().describe('Occurrences of the series that are left out, or described as events of their own'),
    additions: z.int().describe('Dates that are named beside the rule'),
    recurrence_id: CalendarTime.nullable().describe(
      'Of one occurrence of a series: when it was to begin, which says which one is changed, called off or answered',
    ),
    sequence: z
      .int()
      .min(0)
      .nullable()
      .describe('Rises with each change by the organizer; of two the higher one counts'),
    status: z.string().max(40).nullable().describe('`CONFIRMED`, `TENTATIVE`, `CANCELLED`'),
    organizer: Address.nullable(),
    attendees: z
      .array(Address.extend({ status: z.string().max(40).nullable().describe('`ACCEPTED`, `DECLINED`, …') }))
      .max(50),
    attendee_count: z.int().describe('Of which `attendees` holds the first'),
  })
  .meta({ id: 'CalendarEvent' })
export type CalendarEvent = z.infer<typeof CalendarEvent>

export const Calendar = z
  .object({
    method: z.string().max(40).nullable().describe('`REQUEST` invites, `CANCEL` calls off, `REPLY` answers (RFC 5546)'),
    events: z.array(CalendarEvent).max(20),
    event_count: z.int().describe('Of which `events` holds the first'),
  })
  .meta({ id: 'Calendar' })
export type Calendar = z.infer<typeof Calendar>
