// Is each certificate of a bundle looked at, and one that has ended or ends soon named at the start and at a reload?
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { t } from '../support/tap.ts'
import { Certificates, loadTlsFiles } from '../../broker/index.ts'
import { createMetrics } from '../../common/metrics.ts'
import { temporaryFolder } from '../support/index.ts'
import { authority, filesInUse } from './support/certificates.ts'

const BASE = { clientAuth: 'optional', minimumVersion: 'TLSv1.2' } as const
const folder = temporaryFolder(t, 'certificates')
const signer = authority(t)
const good = signer.issue('push')

function bundle(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const DAY = 24 * 60 * 60 * 1000

function watched(files: { cert: string; key: string }, now: () => number) {
  const lines: Record<string, unknown>[] = []
  const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) })
  const settings = { ...BASE, certificate: files.cert, key: files.key }
  const certificates = new Certificates(settings, createMetrics(), logger, now)
  t.teardown(() => certificates.close())
  certificates.watch()
  return { certificates, lines }
}

t.test('a bundle is read to its end', async (t) => {
  const ca = readFileSync(signer.path, 'utf8')
  const second = readFileSync(authority(t, 'second').path, 'utf8')
  const load = (path: string) => () => loadTlsFiles({ ...BASE, certificate: good.cert, key: good.key, ca: path })
  t.equal(
    loadTlsFiles({ ...BASE, certificate: good.cert, key: good.key, ca: bundle('two.pem', ca + second) }).certificates
      .length,
    3,
  )
  t.throws(load(bundle('cut.pem', ca + second.slice(0, 200))), { message: /PUSH_TLS_CA: .*cut short in certificate 2/ })
  t.throws(load(bundle('joined.pem', second.slice(0, 200) + ca)), { message: /cut short in certificate 1/ })
  const broken = second.replace(/MII/, 'AAA')
  t.throws(load(bundle('broken.pem', ca + broken)), { message: /PUSH_TLS_CA: .*number 2/ })
  const chain = bundle('chain.pem', readFileSync(good.cert, 'utf8') + second.slice(0, 200))
  t.throws(() => loadTlsFiles({ ...BASE, certificate: chain, key: good.key }), {
    message: /PUSH_TLS_CERT: .*certificate 2/,
  })
})

t.test('one that has ended, or ends soon, is named at the start', async (t) => {
  const at = (ms: number) =>
    watched(good, () => Date.now() + ms).lines.map(({ level, msg, subject }) => [level, msg, subject])
  t.same(at(0), [], 'of two days, all are left')
  t.same(at(1.5 * DAY), [[40, 'TLS certificate expires soon', 'CN=push']])
  t.same(at(3 * DAY), [[50, 'TLS certificate has expired', 'CN=push']])
  t.same(at(-DAY), [[50, 'TLS certificate is not valid yet', 'CN=push']])
})

t.test('a reload that would replace a good one with one that has ended is refused', async (t) => {
  const { inUse, use } = filesInUse(t, signer.issue('long', 10))
  const { certificates, lines } = watched(inUse, () => Date.now() + 3 * DAY)
  t.same(lines, [])
  use(good)
  certificates.reload()
  t.match(lines.at(-1), { code: 'TLS_FILES_INVALID', detail: /PUSH_TLS_CERT: .*has expired/ })
})
