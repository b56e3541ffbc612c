/** Support conversations: customers' questions with their answers. */

import { customers, noor, owner, type Person, school, vineyard } from './seed-people.ts'
import type { Script } from './seed-script.ts'

const writers = customers.filter(person => person !== school && person !== vineyard)

function ask(
  daysAgo: number,
  writer: number,
  subject: string,
  question: string,
  answer: string,
  thanks?: string,
): Script {
  const person: Person = writers[writer % writers.length] ?? school
  return {
    subject,
    daysAgo,
    with: [owner, person],
    turns: [[person, question], [owner, answer], ...(thanks ? ([[person, thanks]] as const) : [])],
  }
}

export const supportScripts: readonly Script[] = [
  {
    subject: 'Weather station for our science class',
    daysAgo: 31,
    with: [owner, school, noor],
    turns: [
      [
        school,
        'Dear Northlight team,\n\nour year 8 would like to measure the weather on the school roof and compare it with three other schools. Which station would you recommend, and is there a price for schools?',
      ],
      [
        noor,
        'Dear Harriet,\n\nfor four schools I would take four Terra stations: they share one web page, and the pupils can download everything as a table. Schools pay the price without the margin. The offer is attached.',
        'pdf',
      ],
      [
        school,
        'That is within our budget. The head teacher asks how long we may return them if the roof turns out to be too windy.',
      ],
      [owner, 'Take the whole term. If it does not work, send them back and pay nothing.'],
      [school, 'Thank you! The order goes out today. The pupils are already arguing about where the rain gauge goes.'],
      [
        school,
        'The first week of data is in. They found out on their own that the north side is colder. I thought you would like the chart.',
        'chart',
      ],
    ],
  },
  {
    subject: 'Frost warning by text message',
    daysAgo: 22,
    with: [owner, vineyard],
    turns: [
      [
        vineyard,
        'Bonjour,\n\nlast night it went down to -1.8 °C and the warning came as an e-mail, which nobody reads at four in the morning. Can the station call or text me?',
      ],
      [
        owner,
        'Bonjour Luc,\n\nyes: under Alerts, choose "Text message" and enter your number. For frost I would set the limit at +1 °C, then you have about forty minutes.',
      ],
      [vineyard, 'Parfait. I set it to +1.5 °C for the lower parcels.'],
      [vineyard, 'It woke me at 4:12, the candles were lit at 4:40, no damage. Merci !'],
    ],
  },
  ask(
    56,
    0,
    'Station shows no data since Sunday',
    'My station stopped sending on Sunday evening. The light on the base blinks orange twice, then pauses. I changed nothing.',
    'Two orange blinks mean that it reaches the Wi-Fi but not the internet. Did the router get an update? Please switch the router off for a minute. If it still blinks, I look at the log with you.',
    'It was the router indeed. All readings came in afterwards, none lost. Great design!',
  ),
  ask(
    50,
    1,
    'Wind speed seems low',
    'The anemometer shows 3 m/s when the airport next door reports 9. The mast is 2 metres high, behind the barn.',
    'The barn is the reason: the wind shadow reaches about ten times its height. At 10 metres you should see the same as the airport. We have an extension mast, number NL-M6.',
  ),
  ask(
    45,
    2,
    'Replacement for a broken rain gauge funnel',
    'A branch fell on my rain gauge and the funnel is cracked. Can I buy the funnel only?',
    'Certainly, the funnel is NL-R2 and costs 11.50 with postage. It snaps in without tools.',
    'Ordered, thanks for the quick answer.',
  ),
  ask(
    39,
    3,
    'Export of the last five years',
    'For my thesis I need all readings since I bought the station, as a table with one line an hour. The web page only lets me pick a month at a time.',
    'Use Archive > Export > All. It takes a minute and sends you a link. The columns are explained in the file README inside.',
  ),
  ask(
    34,
    4,
    'Is the station safe in salt air?',
    'I would like to mount one on the harbour wall, about five metres from the water. Will the metal parts survive?',
    'The Terra has steel screws and would rust within two years. The Marina has the same sensors with bronze fittings; we have one on a pier since 2019 and it looks fine.',
    'The Marina it is. Could you tell me how long delivery takes?',
  ),
  ask(
    28,
    5,
    'Two stations on one account',
    'We now have a second greenhouse. Can both stations appear in the same app without switching?',
    'Yes. Open Stations > Add, scan the code under the base, and give each a name. Alerts can be set for each of them.',
  ),
  ask(
    23,
    0,
    'Invoice with our VAT number',
    'Could you please send the invoice for order 20418 again, with our VAT number on it? Our bookkeeper insists.',
    'Of course. Our bookkeeper understands yours. You will find the new one in your account in a few minutes.',
    'Perfect, thank you.',
  ),
  ask(
    18,
    1,
    'Temperature jumps at noon',
    'Every sunny day between 12 and 13 the temperature jumps by 3 degrees and falls again. It is not real, my other thermometer does not show it.',
    'That looks like a reflection. Is there a window or a car that the sun could bounce off at noon? Turning the shield by a quarter is usually enough.',
    "It was the neighbour's new roof window. Turned the shield, curve is smooth now.",
  ),
  ask(
    14,
    2,
    'Does it work with my home automation?',
    'Before I order: can I read the values in my own network, without your cloud?',
    'Yes. The station serves its readings as JSON at http://station.test/now, every ten seconds, without any account.',
    'That is what I hoped for. Ordered.',
  ),
  ask(
    10,
    6,
    'Return of a defective base unit',
    'The base that arrived yesterday does not switch on, neither with the battery nor with the cable.',
    'I am sorry. A new one leaves today, please put the old one in the same box; the return label is inside the lid.',
  ),
  ask(
    5,
    3,
    'Question about calibration',
    'My station is three years old. How do I know whether it still measures correctly?',
    'Put it beside a reference for a day, or send it to us: we calibrate temperature, humidity and pressure and give you a certificate. It takes about a week.',
    'I will send it in the week after next, when the harvest is over.',
  ),
  ask(
    3,
    7,
    'Reading the display from across the room',
    'My eyes are not what they were. Is there a bigger display than the one in the box?',
    'There is: the wall display has digits of four centimetres. If you have a spare tablet, the page http://station.test/big does the same for nothing.',
    'The tablet works wonderfully. Thank you!',
  ),
  ask(
    1.2,
    4,
    'Order 20611: please change the address',
    'I moved last week and forgot to change the address. The order has not left yet, has it?',
    'You are just in time, it would have left at noon. It now goes to the new address.',
  ),
]
