/**
 * How long a discovery takes, over the API as the page calls it: with every place answered on this machine, and with
 * half of them silent. It also counts the requests for an address of a known provider. Takes about four minutes.
 */
import type { Discovery } from '../contract/autoconfig.ts'
import { api } from '../contract/index.ts'
import { usualTimes } from '../server/autoconfig/discovery-times.ts'
import { greetingImap, greetingSmtp, NamedNetwork } from '../test/support/named-network.ts'
import { type People, runApp } from '../test/support/people.ts'
import { round } from './measure.ts'

const domain = 'example.org'
const rounds = 20
const { path } = api.autoconfig.startDiscovery
const document =
  `<clientConfig><emailProvider id="${domain}"><incomingServer type="imap"><hostname>mail.${domain}</hostname><port>993</port>` +
  '<socketType>SSL</socketType></incomingServer></emailProvider></clientConfig>'

export async function autoconfig(): Promise<object> {
  const names = [domain, `*.${domain}`]
  const network = new NamedNetwork({ names, mail: { 993: greetingImap, 465: greetingSmtp } })
  network.times = usualTimes
  const { people, stop } = await runApp({ overrides: { discovery: await network.start() } })
  try {
    await find(people, `warm@${domain}`)
    reset(network)
    return {
      what: `${rounds} addresses each, one after the other; silent places take questions and connections, and answer nothing`,
      known_provider: { ...(await measure(people, 'gmail.com')), questions: network.questions.length },
      document_answered: await measure(people, domain, () => answerAll(network)),
      records_answered: await measure(people, domain, () => answerRecords(network)),
      only_guesses_answered: await measure(people, domain, () => answerGuesses(network)),
      web_silent: await measure(people, domain, () => {
        answerRecords(network)
        network.serve = () => 'silent'
      }),
      names_silent: await measure(people, domain, () => {
        answerAll(network)
        network.silent = (_, type) => ['SRV', 'MX', 'TXT'].includes(type)
      }),
      all_but_guesses_silent: await measure(people, domain, () => {
        answerGuesses(network)
        network.serve = () => 'silent'
        network.host(`autoconfig.${domain}`).host(`autodiscover.${domain}`)
        network.silent = (_, type) => ['SRV', 'MX', 'TXT'].includes(type)
      }),
      target:
        'p95 until settings are known: at most 2,000 ms with all answered, 6,000 ms with half of them silent; none asked for a known provider',
    }
  } finally {
    await stop()
    await network.stop()
  }
}

function reset(network: NamedNetwork): void {
  network.records.clear()
  network.questions.length = 0
  network.serve = () => undefined
  network.silent = () => false
}

/** Publishes everything that a domain can. */
function answerAll(network: NamedNetwork): void {
  answerRecords(network)
  network.host(`autoconfig.${domain}`).host(domain)
  network.serve = ({ host }) => (host === `autoconfig.${domain}` ? { body: document } : undefined)
}

function answerRecords(network: NamedNetwork): void {
  reset(network)
  const service = (name: string, port: number) =>
    network.record({ type: 'SRV', name: `${name}.${domain}`, data: { target: `mail.${domain}`, port } })
  service('_imaps._tcp', 993)
  service('_submissions._tcp', 465)
  network.host(domain).host(`autoconfig.${domain}`)
}

function answerGuesses(network: NamedNetwork): void {
  reset(network)
  for (const name of ['imap', 'mail', 'smtp']) network.host(`${name}.${domain}`)
}

async function measure(people: People, of: string, prepare: () => void = () => undefined) {
  prepare()
  const [known, whole]: [number[], number[]] = [[], []]
  for (let count = 0; count < rounds; count++) {
    const { knownMs, wholeMs } = await find(people, `user-${count}@${of}`)
    known.push(knownMs)
    whole.push(wholeMs)
  }
  return { until_known: figures(known), until_finished: figures(whole) }
}

/** Runs a discovery as the page does, which waits for each change. */
async function find(people: People, email: string): Promise<{ knownMs: number; wholeMs: number }> {
  const began = performance.now()
  let knownMs: number | undefined
  let found = await people.tell<Discovery>(people.admin, 'POST', path, { email })
  for (;;) {
    if (found.candidates.length > 0) knownMs ??= performance.now() - began
    if (found.state === 'finished') break
    found = await people.tell(people.admin, 'GET', `${path}/${found.id}?since=${found.revision}&wait=10`)
  }
  const wholeMs = performance.now() - began
  if (knownMs === undefined && !email.startsWith('warm')) throw new Error(`nothing was found for ${email}`)
  return { knownMs: knownMs ?? wholeMs, wholeMs }
}

function figures(values: number[]) {
  const sorted = values.toSorted((one, other) => one - other)
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!)
  return { p50_ms: at(0.5), p95_ms: at(0.95), most_ms: at(1) }
}
