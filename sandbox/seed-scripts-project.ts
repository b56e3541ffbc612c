/** Internal conversations of the company, most of them about Apollo, the next weather station. */

import { elena, jonas, maya, noor, owner, priya, samuel, tomas } from './seed-people.ts'
import type { Script } from './seed-script.ts'

export const projectScripts: readonly Script[] = [
  {
    subject: 'Apollo: field test at the vineyard',
    folder: 'Projects/Apollo',
    daysAgo: 41,
    with: [owner, tomas, priya],
    turns: [
      [
        tomas,
        'All three prototypes are on the mast since this morning. The solar panel gives 4.1 W at noon, a little more than we counted on.\n\nReadings of the first three days are attached.',
        'csv',
      ],
      [
        priya,
        'The humidity sensor of unit 2 reads 6 % high against the reference. I think it is the vent, not the firmware. Can you check whether the membrane sits flat?',
      ],
      [tomas, 'It does not. One corner had lifted. Replaced it, the reading fell to within 1 %.'],
      [
        owner,
        'Good catch. Please add "membrane flat" to the assembly checklist, so that Jonas has it before the pilot run.',
      ],
      [tomas, 'Done, it is step 14 now. A chart of the week after the repair is attached.', 'chart'],
    ],
  },
  {
    subject: 'Apollo firmware 0.9 release candidate',
    folder: 'Projects/Apollo',
    daysAgo: 24,
    with: [owner, tomas, priya, jonas],
    turns: [
      [
        priya,
        'Release candidate 2 is tagged. Changes since rc1:\n\n- the radio sleeps between readings (average current 0.8 mA, was 2.3 mA)\n- the rain gauge no longer counts wind shake\n- configuration survives a brown-out\n\nPlease flash at least one unit each and let it run over the weekend.',
      ],
      [
        jonas,
        'Flashed ten units on the line, no failures. It takes 38 seconds a unit. Could we skip the verify step in production?',
      ],
      [priya, 'I would keep it. One bad flash that reaches a customer costs more than ten seconds.'],
      [owner, 'Agreed, we keep the verify step. Thanks for testing so quickly.'],
      [tomas, 'My two units ran 61 hours without a reset. Good to go from my side.'],
    ],
  },
  {
    subject: 'Battery life numbers for the Apollo data sheet',
    folder: 'Projects/Apollo',
    daysAgo: 9,
    with: [owner, samuel, priya],
    turns: [
      [samuel, 'Two distributors ask for a battery figure. May I write "up to 5 years"?'],
      [
        priya,
        'Measured: 0.8 mA average without sun gives 140 days on the small cell. With the panel it does not run down at all at our latitude. "Up to 5 years" is the life of the cell, not a measurement.',
      ],
      [
        owner,
        'Then we say exactly that: "140 days without sun; unlimited with the panel in normal daylight". No figure that we have not measured.',
      ],
      [samuel, 'Even better, nobody else gives a figure without sun. Draft of the sheet attached.', 'pdf'],
    ],
  },
  {
    subject: 'Apollo launch date',
    folder: 'Projects/Apollo',
    daysAgo: 3,
    with: [owner, maya, jonas, samuel],
    turns: [
      [maya, 'The pilot run looks solid. Can we commit to the first of the month after next?'],
      [jonas, 'If the housings arrive as promised, yes. I need two weeks for 200 units.'],
      [
        owner,
        'Gerda confirmed the tool change. I will ask for the exact delivery day and write to everyone by Thursday.',
      ],
      [samuel, 'I hold back the announcement until then. The text is ready.'],
    ],
  },
  {
    subject: 'Monday meeting: notes and who does what',
    daysAgo: 13,
    with: [owner, maya, tomas, priya, jonas, samuel, elena, noor],
    turns: [
      [
        maya,
        '1. Apollo pilot: Jonas plans two shifts in week two.\n2. Support: Noor sees more questions about Wi-Fi passwords with spaces. Priya looks at the setup page.\n3. Cash: Elena asks everybody to hand in expenses before the 25th.\n4. Summer party: Samuel collects ideas.',
      ],
      [priya, 'About 2: found it, the setup page trims the password. Fix is in review.'],
      [owner, 'Thank you. I take the supplier call on Wednesday, so the stand-up that day is without me.'],
    ],
  },
  {
    subject: 'Expenses for the trade fair',
    daysAgo: 29,
    with: [owner, elena],
    turns: [
      [
        elena,
        'I am missing the hotel receipt for two nights and the train ticket back. Could you send both before Friday? Then it is in this month.',
      ],
      [owner, 'Here is the hotel. The train ticket is in the app, I will export it tonight.', 'pdf'],
      [elena, 'Got it, thank you. 412.60 goes out with the next run.'],
    ],
  },
  {
    subject: 'Office plants, radiator and the door that does not close',
    daysAgo: 36,
    with: [owner, noor, jonas],
    turns: [
      [
        noor,
        'The radiator by the window is either off or at full heat. And the back door needs a push to lock, someone left it open on Tuesday.',
      ],
      [jonas, 'I tightened the hinge. The lock plate is worn, it needs a new one.'],
      [owner, 'I reported both to Patricia. She sends someone on Monday between 9 and 12.'],
      [noor, 'The technician was here. Radiator works, the lock plate is ordered.'],
    ],
  },
  {
    subject: 'Second opinion on the support reply templates',
    daysAgo: 6,
    with: [owner, noor],
    turns: [
      [
        noor,
        'I shortened the five templates that we use most. The one for warranty returns still sounds stiff to me. Could you read it?\n\nhttps://wiki.northlight.example/support/templates',
      ],
      [
        owner,
        'Much better. In the warranty one I would start with "You need nothing but the serial number" and drop the paragraph about the law.',
      ],
      [noor, 'Changed. Also moved the address to the top, since half of the people ask for it anyway.'],
    ],
  },
  {
    subject: 'Interview on Thursday: test engineer',
    daysAgo: 17,
    with: [owner, maya, tomas],
    turns: [
      [
        maya,
        'Our candidate comes at 14:00. Tomás takes the technical part, you and I the rest. Her CV is attached.',
        'pdf',
      ],
      [
        tomas,
        'I would like her to debug a real board, the one with the cold joint. Twenty minutes, with the schematic.',
      ],
      [owner, 'Fine with me, as long as we tell her beforehand.'],
      [maya, 'She found it in eleven minutes. I would like to make an offer today.'],
      [owner, 'Yes from me.'],
    ],
  },
  {
    subject: 'Backups: restore test',
    daysAgo: 20,
    with: [owner, priya],
    turns: [
      [
        priya,
        'Quarterly restore test is done. Wiki and tickets came back in 22 minutes. The measurement archive took almost three hours, because it is one big file. I suggest a file a month.',
      ],
      [owner, 'Makes sense. How much work is it?'],
      [priya, 'Half a day. I can do it next week.'],
    ],
  },
  {
    subject: 'Price list for next year',
    daysAgo: 11,
    with: [owner, samuel, elena],
    turns: [
      [
        samuel,
        'Proposal attached. Stations up 3 %, spare parts unchanged, calibration down to 49 to bring more units back to us.',
        'pdf',
      ],
      [elena, 'At 49 calibration just covers its cost. I can live with that if it really brings upgrades.'],
      [samuel, 'Last year one calibration in six ended in an order.'],
      [owner, 'Then let us try it for two quarters and look again.'],
      [elena, 'Agreed. I put it in the budget that way.'],
    ],
  },
  {
    subject: 'Photos for the new web page',
    daysAgo: 4,
    with: [owner, samuel],
    turns: [
      [samuel, 'The photographer sent a first selection. I like the one at sunrise best. What do you think?', 'chart'],
      [owner, 'The sunrise one, yes. Do we have it without the truck in the background?'],
      [samuel, 'She can remove it. Costs nothing extra.'],
    ],
  },
]
