/** The large providers, in files of Mozilla's format beside this one: loaded once, on demand. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type MozillaConfig, readMozillaConfig } from './mozilla-config.ts'

const folder = join(import.meta.dirname, 'providers')

export class ShippedProviders {
  #read: Promise<ProviderTable> | undefined

  table(): Promise<ProviderTable> {
    this.#read ??= readTable().catch((error: unknown) => {
      this.#read = undefined
      throw error
    })
    return this.#read
  }
}

export interface ProviderTable {
  readonly all: readonly MozillaConfig[]
  ofDomain(domain: string): MozillaConfig | undefined
  /** Finds the provider of a mail exchanger, by the longest matching name. */
  ofExchanger(host: string): MozillaConfig | undefined
  /** Finds the provider of an IMAP server; of several, the first by name. */
  ofImapHost(host: string): MozillaConfig | undefined
}

/** Returns the files by name. */
export async function readProviderFiles(): Promise<Map<string, string>> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.xml')).sort()
  const texts = await Promise.all(names.map(name => readFile(join(folder, name), 'utf8')))
  return new Map(names.map((name, index) => [name, texts[index]!]))
}

async function readTable(): Promise<ProviderTable> {
  const files = await readProviderFiles()
  const all = await Promise.all([...files.values()].map(text => readMozillaConfig(text)))
  const domains = new Map(all.flatMap(config => config.domains.map(domain => [domain, config] as const)))
  const exchangers = new Map(all.flatMap(config => config.mxDomains.map(domain => [domain, config] as const)))
  const hosts = new Map<string, MozillaConfig>()
  for (const config of all) {
    for (const { kind, host } of config.offers) if (kind === 'imap' && !hosts.has(host)) hosts.set(host, config)
  }
  return {
    all,
    ofDomain: domain => domains.get(domain),
    ofExchanger: host => endingsOf(host).flatMap(ending => exchangers.get(ending) ?? [])[0],
    ofImapHost: host => hosts.get(host),
  }
}

/** Returns the suffixes `mx1.example.org`, `example.org`, `org`. */
function endingsOf(host: string): string[] {
  const labels = host.split('.')
  return labels.map((_, index) => labels.slice(index).join('.'))
}
