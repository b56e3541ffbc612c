/** Proxy configurations for tests: faulty ones, and those that we show to people, read from where they are shown. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Hearing } from '../../web/system/listen.ts'
import { type Remedy, remedies } from '../../web/system/remedies.ts'
import type { ProxyProgram } from './proxies.ts'

/** Returns the configuration that the connection doctor shows. */
export function prescribed(program: ProxyProgram, remedy: Remedy): string {
  return remedies[remedy].find(prescription => prescription.program.toLowerCase() === program)!.lines
}

/** Returns the configuration that docs/events.md shows. */
export function documented(program: ProxyProgram): string {
  const manual = readFileSync(join(import.meta.dirname, '../../docs/events.md'), 'utf8')
  const section = manual.split(/^## /m).find(text => text.startsWith('Behind a proxy'))!
  const language = { nginx: 'nginx', caddy: 'caddyfile' }[program]
  return new RegExp(`^\`\`\`${language}\\n([^]+?)^\`\`\`$`, 'm').exec(section)![1]!
}

const nginxSite = (inServer: string, inLocation = '') =>
  `server {\nlisten 80;\n${inServer}\nlocation / {\nproxy_pass http://127.0.0.1:9437;\n${inLocation}\n}\n}\n`
export const caddySite = (inSite: string) => `http://mail.example.com {\n${inSite}\n}\n`
export const plain = 'reverse_proxy 127.0.0.1:9437'

interface Fault {
  name: string
  faulty: string
  /** What the doctor observes through it. */
  heard: Partial<Hearing>
  fixed: string
}

const unheard: Partial<Hearing> = { headMs: null, welcomeMs: null, arrivals: [], fault: null }
const ignoring = 'proxy_buffering on;\nproxy_ignore_headers X-Accel-Buffering;'
const compressing = 'gzip on;\ngzip_types text/event-stream;'

export const faults: Record<ProxyProgram, Fault[]> = {
  nginx: [
    {
      name: 'it keeps back what comes, though it is told not to',
      faulty: nginxSite(ignoring),
      heard: unheard,
      fixed: nginxSite(ignoring, prescribed('nginx', 'buffering')),
    },
    {
      name: 'it compresses',
      faulty: nginxSite(compressing),
      heard: { contentEncoding: 'gzip', status: 200 },
      fixed: nginxSite(compressing, prescribed('nginx', 'compression')),
    },
    {
      name: 'it compresses what it keeps back',
      faulty: nginxSite(ignoring + compressing),
      heard: unheard,
      fixed: nginxSite(
        ignoring + compressing,
        `${prescribed('nginx', 'buffering')}\n${prescribed('nginx', 'compression')}`,
      ),
    },
    {
      name: 'a page answers in place of the stream',
      faulty: 'server {\nlisten 80;\ndefault_type text/html;\nlocation / {\nreturn 200 "<p>A page";\n}\n}',
      heard: { status: 200, contentType: 'text/html', welcomeMs: null },
      fixed: `server {\nlisten 80;\nlocation / {\nreturn 200 "<p>A page";\n}\n${prescribed('nginx', 'contentType')}\n}`,
    },
  ],
  caddy: [
    {
      name: 'it keeps back what comes',
      faulty: caddySite(`${plain} {\n\tbuffer_responses\n}`),
      heard: unheard,
      fixed: caddySite(prescribed('caddy', 'buffering')),
    },
    {
      name: 'it compresses and does not flush',
      faulty: caddySite(`encode zstd gzip\n${plain}`),
      heard: { status: 200, contentEncoding: expect.stringMatching(/^(gzip|zstd)$/), welcomeMs: null, fault: null },
      fixed: caddySite(`${prescribed('caddy', 'compression')}\n${plain}`),
    },
    {
      name: 'flush_interval does not make it flush what it compresses',
      faulty: caddySite(`encode zstd gzip\n${plain} {\n\tflush_interval -1\n}`),
      heard: { status: 200, contentEncoding: expect.stringMatching(/^(gzip|zstd)$/), welcomeMs: null, fault: null },
      fixed: caddySite(`${prescribed('caddy', 'compression')}\n${prescribed('caddy', 'buffering')}`),
    },
    {
      name: 'a page answers in place of the stream',
      faulty: caddySite('header Content-Type text/html\nrespond "<p>A page"'),
      heard: { status: 200, contentType: 'text/html', welcomeMs: null },
      fixed: caddySite(prescribed('caddy', 'contentType').replace(/# .*/, 'respond "<p>A page"')),
    },
  ],
}

/** Configurations that each cut a stream that is idle for more than 2 s. */
export const quietFaults: Record<ProxyProgram, { name: string; faulty: string; fixed: string }> = {
  nginx: {
    name: 'a read timeout that is shorter than the heartbeat',
    faulty: nginxSite('proxy_read_timeout 2s;'),
    fixed: nginxSite('proxy_read_timeout 2s;', prescribed('nginx', 'cuts')),
  },
  caddy: {
    name: 'a write timeout',
    faulty: `{\n\tservers {\n\t\ttimeouts {\n\t\t\twrite 2s\n\t\t}\n\t}\n}\n${caddySite(plain)}`,
    fixed: `${prescribed('caddy', 'cuts')}\n${caddySite(plain)}`,
  },
}
