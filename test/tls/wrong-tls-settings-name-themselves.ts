// Does a wrong or missing TLS file, or a combination that makes no sense, name its setting and end the start with 2?
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { t } from '../support/tap.ts'
import { runMain } from '../config/support/main.ts'
import { temporaryFolder } from '../support/index.ts'
import { authority } from './support/certificates.ts'

const signer = authority(t)
const { cert, key } = signer.issue('push')
const other = signer.issue('other')
const folder = temporaryFolder(t, 'wrong')
const nonsense = join(folder, 'nonsense.pem')
writeFileSync(nonsense, 'nonsense')
const missing = join(folder, 'missing.pem')
const port = ['--mqtts-port', '0']

const cases: Record<string, [args: string[], setting: string]> = {
  'no certificate': [port, 'PUSH_TLS_CERT'],
  'no key': [[...port, '--tls-cert', cert], 'PUSH_TLS_KEY'],
  'no such certificate': [[...port, '--tls-cert', missing, '--tls-key', key], 'PUSH_TLS_CERT'],
  'no certificate in the file': [[...port, '--tls-cert', nonsense, '--tls-key', key], 'PUSH_TLS_CERT'],
  'no key in the file': [[...port, '--tls-cert', cert, '--tls-key', nonsense], 'PUSH_TLS_KEY'],
  'the key of another': [['--https-port', '0', '--tls-cert', cert, '--tls-key', other.key], 'PUSH_TLS_KEY'],
  'no authority in the file': [[...port, '--tls-cert', cert, '--tls-key', key, '--tls-ca', nonsense], 'PUSH_TLS_CA'],
  'client certificates without an authority': [
    [...port, '--tls-cert', cert, '--tls-key', key, '--tls-client-auth', 'required'],
    'PUSH_TLS_CA',
  ],
  'a certificate without a port': [['--tls-cert', cert, '--tls-key', key], 'PUSH_TLS_CERT'],
  'no HTTP at all': [['--http-port', 'off'], 'PUSH_HTTP_PORT'],
  'an old version': [[...port, '--tls-min-version', 'TLSv1.1'], 'PUSH_TLS_MIN_VERSION'],
  'a balancer that nobody trusts': [['--proxy-protocol', 'v2'], 'PUSH_PROXY_TRUSTED'],
  'networks that are none': [['--proxy-protocol', 'v2', '--proxy-trusted', '10.0.0.0/40'], 'PUSH_PROXY_TRUSTED'],
}

await t.test('each', async (t) => {
  for (const [what, [args, setting]] of Object.entries(cases)) {
    const ended = await runMain(t, ['--data-dir', join(folder, 'data'), ...args])
    t.equal(ended.code, 2, what)
    t.match(ended.errors, new RegExp(`^aedes-push: ${setting}`), what)
    t.equal(ended.output, '')
  }
})
