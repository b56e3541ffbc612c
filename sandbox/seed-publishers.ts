/** Newsletter publishers, and the contents of their issues. */
export interface Publisher {
  name: string
  domain: string
  accent: string
  everyDays: number
  /** Issues, newest first. */
  issues: readonly { subject: string; items: readonly [title: string, text: string][] }[]
}

export const publishers: readonly Publisher[] = [
  {
    name: 'Harvest Weekly',
    domain: 'harvest-weekly.example',
    accent: '#2f6b3a',
    everyDays: 7,
    issues: [
      {
        subject: 'Late frost: what the numbers of this spring tell',
        items: [
          ['Forty minutes are enough', 'Growers with a warning at +1 °C lost a third less than those without.'],
          ['Water or candles?', 'We compared the cost of both for a hectare.'],
          ['Reader question', 'When does it pay to move the lower rows?'],
        ],
      },
      {
        subject: 'Soil moisture sensors in practice',
        items: [
          ['Three depths or one', 'Why the second sensor matters more than the third.'],
          ['Cable or radio', 'What the rodents say.'],
        ],
      },
      {
        subject: 'A cooperative measures together',
        items: [
          ['Eleven farms, one map', 'How neighbours share their stations.'],
          ['The price of a reading', 'From 4 cents to nothing.'],
        ],
      },
      {
        subject: 'Rain radar and rain gauge: who is right?',
        items: [
          ['Both, mostly', 'A year of comparison in hilly country.'],
          ['New: our calendar', 'All courses until summer.'],
        ],
      },
      {
        subject: 'Wind in orchards',
        items: [
          ['Rows and gusts', 'Where a mast should stand.'],
          ['From the readers', 'Best photos of the month.'],
        ],
      },
      {
        subject: 'Planning the season',
        items: [
          ['Start with last year', 'Five questions to your own data.'],
          ['Tool of the week', 'A slide rule, really.'],
        ],
      },
      {
        subject: 'The quiet months',
        items: [
          ['Maintenance in winter', 'A list to hang in the barn.'],
          ['Book of the month', 'Clouds, explained.'],
        ],
      },
      {
        subject: 'Our year in figures',
        items: [
          ['52 issues', 'What you read most.'],
          ['Thank you', 'And what comes next.'],
        ],
      },
    ],
  },
  {
    name: 'Circuit Notes',
    domain: 'circuit-notes.example',
    accent: '#7a3db8',
    everyDays: 9,
    issues: [
      {
        subject: '#214: Sleeping at 0.8 µA',
        items: [
          ['Where the current goes', 'Six leaks that we found with a 10 Ω resistor.'],
          ['Part of the week', 'A regulator that is honest about its quiescent current.'],
        ],
      },
      {
        subject: '#213: Sealing a box that must breathe',
        items: [
          ['Membranes compared', 'Water in, vapour out, or the other way round?'],
          ['Teardown', 'A rain gauge from 1962.'],
        ],
      },
      {
        subject: '#212: Test jigs from scrap',
        items: [
          ['Pogo pins and plywood', 'A bed of nails for an evening.'],
          ['Jobs', 'Nine companies that look for people.'],
        ],
      },
      {
        subject: '#211: Antennas near metal',
        items: [
          ['Four millimetres', 'The distance that cost us 9 dB.'],
          ['Letters', 'You were right about ferrites.'],
        ],
      },
      {
        subject: '#210: Long-life batteries',
        items: [
          ['Passivation', 'Why a fresh cell seems empty.'],
          ['Calendar', 'Meetings near you.'],
        ],
      },
      {
        subject: '#209: Calibrating without a lab',
        items: [
          ['Ice, salt and patience', 'Two fixed points in your kitchen.'],
          ['Archive', 'All issues, searchable.'],
        ],
      },
    ],
  },
  {
    name: 'Quayside Coffee',
    domain: 'quayside-coffee.example',
    accent: '#8a4b14',
    everyDays: 12,
    issues: [
      {
        subject: 'New in the roastery: a washed Sidamo',
        items: [
          ['Notes of apricot', 'Roasted on Tuesday, with you on Friday.'],
          ['Ten percent for offices', 'Use the code OFFICE10 until Sunday.'],
        ],
      },
      {
        subject: 'Your beans are low? We ship today',
        items: [['Order before 14:00', 'Postage is free from two bags.']],
      },
      {
        subject: 'How we grind for filter',
        items: [
          ['A short film', 'Two minutes from bean to cup.'],
          ['Back in stock', 'The small kettle.'],
        ],
      },
      { subject: 'Closed on Monday', items: [['Stock-taking', 'Orders leave on Tuesday.']] },
      { subject: 'Thank you for five years', items: [['Birthday blend', 'As long as it lasts.']] },
    ],
  },
  {
    name: 'Standards Watch',
    domain: 'standards-watch.example',
    accent: '#1f4e79',
    everyDays: 10,
    issues: [
      {
        subject: 'Radio equipment: transition period ends in spring',
        items: [
          ['What changes', 'Security of connected devices becomes part of the declaration.'],
          ['Checklist', 'Eleven questions for small makers.'],
        ],
      },
      {
        subject: 'Draft on repair: comments until the 30th',
        items: [
          ['Spare parts', 'Seven years for most devices.'],
          ['Who is concerned', 'A table.'],
        ],
      },
      {
        subject: 'Packaging register opens',
        items: [
          ['Small makers', 'Where the limit lies.'],
          ['Webinar', 'Thursday at 11.'],
        ],
      },
      {
        subject: 'Batteries: new symbols',
        items: [
          ['Size matters', 'The symbol on small cells.'],
          ['Dates', 'All deadlines of the year.'],
        ],
      },
      {
        subject: 'Measuring instruments: revised guide',
        items: [
          ['Chapter 4', 'Temperature, read closely.'],
          ['Questions', 'From our hotline.'],
        ],
      },
      {
        subject: 'Customs codes for sensors',
        items: [
          ['Two codes, one device', 'How to decide.'],
          ['Links', 'Official texts.'],
        ],
      },
    ],
  },
  {
    name: 'Harbour Town Council',
    domain: 'harbour-town.example',
    accent: '#0f766e',
    everyDays: 14,
    issues: [
      {
        subject: 'Roadworks in Quay Street from Monday',
        items: [
          ['Deliveries', 'Please use the north gate.'],
          ['Bus line 4', 'Stops at the market.'],
        ],
      },
      {
        subject: 'Business breakfast on the 14th',
        items: [
          ['Topic', 'Apprentices: who finds whom.'],
          ['Register', 'Places are limited to 40.'],
        ],
      },
      {
        subject: 'Waste collection: new days',
        items: [
          ['Paper', 'Every second Thursday.'],
          ['Electronics', 'First Saturday of the month.'],
        ],
      },
      { subject: 'Market hall reopens', items: [['Opening', 'Saturday at 10 with music.']] },
    ],
  },
]
