/** Conversations with suppliers, carriers, the landlord and the lawyer. */

import { crestline, elena, freight, gerda, jonas, landlord, lawyer, maya, owner } from './seed-people.ts'
import type { Script } from './seed-script.ts'

export const tradeScripts: readonly Script[] = [
  {
    subject: 'Quotation 2218: boards for Apollo, 250 pieces',
    daysAgo: 47,
    with: [owner, crestline],
    turns: [
      [
        crestline,
        'Thank you for the drawings. Our quotation for 250 four-layer boards is attached. Lead time is 15 working days from approval of the panel drawing.',
        'pdf',
      ],
      [
        owner,
        'Thanks, Dana. Two questions: does the price include electrical test, and could you ship in two lots of 125?',
      ],
      [crestline, 'Electrical test is included. Two lots are possible, the second shipment adds 38.'],
      [owner, 'Then please go ahead with two lots. The order number is NL-0417.'],
      [crestline, 'Order confirmed. Panel drawing follows tomorrow for your approval.'],
      [crestline, 'The panel drawing is attached. Please check the fiducials in the lower left corner.', 'pdf'],
      [owner, 'Approved by Tomás and me.'],
    ],
  },
  {
    subject: 'Liefertermin Gehäuse Apollo',
    folder: 'Fünf & Söhne',
    daysAgo: 26,
    with: [owner, gerda],
    turns: [
      [
        gerda,
        'Guten Tag,\n\ndas Werkzeug für die Gehäuse ist fertig. Die ersten Muster gehen morgen per Kurier zu Ihnen. Bitte prüfen Sie besonders die Passung der Dichtung.\n\nMit freundlichen Grüßen',
      ],
      [
        owner,
        'Guten Tag Frau Fünf,\n\nvielen Dank, die Muster sind heute angekommen. Die Dichtung sitzt gut. Der Kabelausgang ist 0,3 mm zu eng.',
      ],
      [
        gerda,
        'Das ändern wir am Werkzeug, es kostet uns zwei Tage. Die Serie wird dadurch nicht später fertig.\n\nMit freundlichen Grüßen',
      ],
      [owner, 'Perfekt, damit können wir planen.'],
      [gerda, 'Anbei das Prüfprotokoll der geänderten Muster.\n\nMit freundlichen Grüßen', 'pdf'],
    ],
  },
  {
    subject: 'Rechnung 10934 und Skonto',
    folder: 'Fünf & Söhne',
    daysAgo: 15,
    with: [owner, gerda, elena],
    turns: [
      [
        gerda,
        'Guten Tag,\n\nanbei unsere Rechnung 10934 über die Werkzeugänderung. Bei Zahlung innerhalb von zehn Tagen gewähren wir 2 % Skonto.\n\nMit freundlichen Grüßen',
        'pdf',
      ],
      [elena, 'Received, thank you. It is in the run on Thursday, with the discount.'],
      [
        gerda,
        'Vielen Dank für die schnelle Bearbeitung. Größere Stückzahlen können wir ab Januar wieder ohne Wartezeit fertigen.\n\nMit freundlichen Grüßen',
      ],
    ],
  },
  {
    subject: 'Muster in RAL 7035 statt 9010?',
    folder: 'Fünf & Söhne',
    daysAgo: 7,
    with: [owner, gerda, jonas],
    turns: [
      [
        gerda,
        'Guten Tag,\n\nfür Weiß (RAL 9010) hat unser Lieferant zurzeit sechs Wochen Lieferzeit. Lichtgrau (RAL 7035) haben wir am Lager. Wäre das für Sie möglich?\n\nMit freundlichen Grüßen',
      ],
      [jonas, 'Lichtgrau erwärmt sich in der Sonne etwas stärker. Wir sollten messen, bevor wir zusagen.'],
      [owner, 'Jonas misst morgen. Wir melden uns bis Freitag.'],
      [
        jonas,
        'Gemessen: 1,4 Grad mehr bei voller Sonne, mit Strahlungsschutz 0,2 Grad. Von mir aus in Ordnung.',
        'chart',
      ],
    ],
  },
  {
    subject: 'Pallet 3 of 4 damaged on arrival',
    daysAgo: 33,
    with: [owner, freight, jonas],
    turns: [
      [
        jonas,
        'One pallet came in with the lower corner crushed, see the picture. Eleven cartons are wet. The driver noted it on the delivery slip.',
        'chart',
      ],
      [
        owner,
        'Dear dispatch team, please open a claim for shipment MF-77120. Photos and the delivery slip are attached.',
        'pdf',
      ],
      [
        freight,
        'Claim 5521 is open. Please keep the goods and the packaging for an inspection within five working days.',
      ],
      [
        freight,
        'Our inspector confirmed the damage. We pay the invoice value of eleven cartons. Please send us your bank details on letterhead.',
      ],
      [owner, 'Attached. Thank you for handling this without fuss.', 'pdf'],
    ],
  },
  {
    subject: 'Lease: option to renew',
    daysAgo: 52,
    with: [owner, landlord, maya],
    turns: [
      [
        landlord,
        'Dear Robin, dear Maya,\n\nyour lease runs until the end of June. You have the option to renew for three years at the present rent plus the index, if you tell me by the end of this quarter.',
      ],
      [maya, 'We would like to stay. Could the renewal include the small store room on the ground floor?'],
      [landlord, 'The store room is free from spring. I could add it for 140 a month.'],
      [owner, 'That suits us. Would you send a draft with both?'],
      [landlord, 'The draft is attached. I left the notice period as it is.', 'pdf'],
    ],
  },
  {
    subject: 'Distribution agreement: comments on section 7',
    daysAgo: 19,
    with: [owner, lawyer],
    turns: [
      [
        lawyer,
        'We went through the draft. Sections 1 to 6 are fine. Section 7 makes you liable for delays of your suppliers without a limit; we suggest a cap at the value of the order. Marked copy attached.',
        'pdf',
      ],
      [owner, 'A cap is what we want, thank you. Would they accept it, in your experience?'],
      [lawyer, 'Most do. If not, insurance for this risk costs about 0.4 % of turnover.'],
      [
        lawyer,
        'Their counsel accepted the cap with one change of wording that does no harm. The clean copy is ready to sign.',
      ],
    ],
  },
  {
    subject: 'Stock of radiation shields',
    daysAgo: 2,
    with: [owner, jonas],
    turns: [
      [
        jonas,
        'We have 64 shields left, that is five weeks. Minimum order is 300, the price goes down at 500. Shall I order 500?',
      ],
      [owner, 'Yes, 500. Ask for two deliveries, our shelf is full.'],
      [jonas, 'Ordered. First 250 arrive on the 12th.'],
    ],
  },
]
