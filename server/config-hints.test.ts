/** Settings that are odd are told at the start, and keep no server from it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Authority } from '../test/support/certificates.ts'
import { available } from '../test/support/require.ts'
import { tempDir } from '../test/support/temp-dir.ts'
import { loadConfig } from './config.ts'

test('a name that means nothing is told, without its value; names of others and of Kubernetes are not', () => {
  const set = {
    RUSTYMAIL_PUBLICURL: 'https://secret.example',
    RUSTYMAIL_INDEX: 'off',
    RUSTYMAIL_LAUNCHER_PID: '7',
    RUSTYMAIL_SERVICE_HOST: '10.0.0.1',
    RUSTYMAIL_PORT_9437_TCP: 'tcp://10.0.0.1:9437',
    RUSTYMAIL_EMPTY: '',
    PATH: '/bin',
  }
  expect(loadConfig([], set).hints).toEqual([
    'RUSTYMAIL_PUBLICURL is not a setting of RustyMail and has no effect; did you mean RUSTYMAIL_PUBLIC_URL?',
  ])
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`RUSTYMAIL_X${at}`, '1']))
  expect(loadConfig([], many).hints).toHaveLength(10)
})

// openssl, which makes the certificates, comes with Dovecot.
test.skipIf(!available('dovecot'))('a certificate that has expired is told, and one that is good is not', () => {
  const dir = tempDir('config-hints')
  onTestFinished(() => dir.remove())
  const authority = new Authority(dir.path)
  const hints = (dates: { from?: string; to?: string }) => {
    const { cert, key } = authority.issue({ name: 'mail.example.org', ...dates })
    const [certFile, keyFile] = [join(dir.path, 'cert.pem'), join(dir.path, 'key.pem')]
    writeFileSync(certFile, cert)
    writeFileSync(keyFile, key)
    return loadConfig([], { RUSTYMAIL_TLS_CERT: certFile, RUSTYMAIL_TLS_KEY: keyFile }).hints
  }
  expect(hints({})).toEqual([])
  expect(hints({ from: '20200101000000Z', to: '20210203000000Z' })).toEqual([
    'the certificate in RUSTYMAIL_TLS_CERT expired on 2021-02-03: clients refuse it',
  ])
})
