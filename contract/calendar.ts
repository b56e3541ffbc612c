/** The content of an invitation in a message (RFC 5545), in its author’s words. */
import { z } from 'zod'
import { Address, mailBounds } from './mail-bounds.ts'
import { Timestamp } from './wire.ts'

export const CalendarTime = z
  .object({
    local: z.string().max(40).describe('Local time such as `2026-12-01T10:00:00`, or a whole day such as `2026-12-01`'),
    time_zone: z.string().max(100).nullable().describe('Name of the time zone; null if none is given'),
    utc: Timestamp.nullable().describe('The same in UTC; null for whole days, and if the time zone is unknown'),
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
        'The same in plain English, such as `every Tuesday until 3 March 2027`; null if there is no rule, or words cannot express it completely',
      ),
    exceptions: z.int().describe('Number of occurrences that are excluded, or described as separate events'),
    additions: z.int().describe('Number of dates added to the rule'),
    recurrence_id: CalendarTime.nullable().describe(
      'For one occurrence of a series: its original start, which identifies the occurrence that is changed, cancelled or answered',
    ),
    sequence: z
      .int()
      .min(0)
      .nullable()
      .describe('Increases with each change by the organizer; the highest one is current'),
    status: z.string().max(40).nullable().describe('`CONFIRMED`, `TENTATIVE`, `CANCELLED`'),
    organizer: Address.nullable(),
    attendees: z
      .array(Address.extend({ status: z.string().max(40).nullable().describe('`ACCEPTED`, `DECLINED`, …') }))
      .max(50),
    attendee_count: z.int().describe('Number of attendees; `attendees` has the first ones'),
  })
  .meta({ id: 'CalendarEvent' })
export type CalendarEvent = z.infer<typeof CalendarEvent>

export const Calendar = z
  .object({
    method: z.string().max(40).nullable().describe('`REQUEST` invites, `CANCEL` cancels, `REPLY` answers (RFC 5546)'),
    events: z.array(CalendarEvent).max(20),
    event_count: z.int().describe('Number of events; `events` has the first ones'),
  })
  .meta({ id: 'Calendar' })
export type Calendar = z.infer<typeof Calendar>
