/** Certificates that are valid, or invalid in exactly one way, issued by a test authority. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface KeyPair {
  cert: Buffer
  key: Buffer
}

interface Wanted {
  name: string
  /** Start of validity as `20200101000000Z`; by default it began a day ago and ends in 90 days. */
  from?: string
  to?: string
  /** Signed by its own key instead of the authority's. */
  isSelfSigned?: boolean
}

export class Authority {
  readonly #dir: string
  #count = 0

  /** @param dir Removed when the test ends. */
  constructor(dir: string) {
    this.#dir = dir
    this.#openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '90',
      '-subj',
      '/CN=Test Authority',
    )
  }

  get certificate(): Buffer {
    return readFileSync(join(this.#dir, 'ca.pem'))
  }

  issue({ name, from = dayFromNow(-1), to = dayFromNow(90), isSelfSigned = false }: Wanted): KeyPair {
    const id = `leaf${++this.#count}`
    const write = (file: string, text: string) => writeFileSync(join(this.#dir, file), text)
    write(`${id}.db`, '')
    write(`${id}.serial`, `10${this.#count}0\n`)
    write(`${id}.ext`, `subjectAltName=DNS:${name}\nbasicConstraints=CA:FALSE\n`)
    write(`${id}.cnf`, configuration(id))
    this.#openssl('req', ...newKey, '-keyout', `${id}.key`, '-out', `${id}.csr`, '-subj', `/CN=${name}`)
    const signer = isSelfSigned ? ['-selfsign', '-keyfile', `${id}.key`] : ['-cert', 'ca.pem', '-keyfile', 'ca.key']
    const dates = ['-startdate', from, '-enddate', to]
    const files = ['-in', `${id}.csr`, '-out', `${id}.pem`, '-extfile', `${id}.ext`]
    this.#openssl('ca', '-batch', '-config', `${id}.cnf`, ...signer, ...dates, ...files, '-notext')
    const read = (file: string) => readFileSync(join(this.#dir, file))
    return { cert: read(`${id}.pem`), key: read(`${id}.key`) }
  }

  #openssl(...words: string[]): void {
    execFileSync('openssl', words, { cwd: this.#dir, stdio: 'ignore' })
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

function configuration(id: string): string {
  return `[ca]\ndefault_ca=own\n[own]\ndatabase=${id}.db\nserial=${id}.serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n`
}

function dayFromNow(days: number): string {
  return `${new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`
}
