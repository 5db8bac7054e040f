// Does a TLS listener of a mosquitto.conf take the clients whose certificates are good, by their names, and nobody else?
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { t } from '../../support/tap.ts'
import { connect, eventually } from '../../support/index.ts'
import { type Authority, authority, type Files } from '../../tls/support/certificates.ts'
import { type Served, serveText } from './support/serve.ts'

const signer = authority(t)
const stranger = authority(t, 'stranger')
const server = signer.issue('push')
const [ann, bob] = [signer.issue('ann'), signer.issue('bob')]
const eve = stranger.issue('ann')
const expired = issueBefore(signer, 'old')
const expiredEve = issueBefore(stranger, 'old')

const TLS = `listener PORT1 127.0.0.1
certfile ${server.cert}
keyfile ${server.key}
require_certificate true
allow_anonymous true
acl_file FOLDER/acl
`
/** Only who has a name may write. */
const FILES = { acl: 'user ann\ntopic a/#\nuser CN=bob\ntopic b/#\n' }

await t.test('the Common Name is the user name, and the password is not looked at', async (t) => {
  const served = await serveText(t, `${TLS}cafile ${signer.path}\nuse_identity_as_username true`, FILES)
  const client = await by(served, ann, { username: 'bob', password: 'whatever' })
  await client.publish('a/x', '1')
  await t.rejects(client.publish('b/x', '1'), { code: 0x87 }, 'whatever name it sends')
  await t.rejects(by(served, undefined), 'none')
  await t.rejects(by(served, eve), 'the same name of somebody else')
  await t.rejects(by(served, expired), 'one that has expired')
  await served.close()
})

await t.test('the subject is the user name; certificates that vouch lie in a folder', async (t) => {
  const folder = join(dirname(signer.path), 'folder')
  mkdirSync(folder)
  copyFileSync(signer.path, join(folder, 'ca.crt'))
  writeFileSync(join(folder, 'README'), 'no certificate')
  const served = await serveText(t, `${TLS}capath ${folder}\nuse_subject_as_username true`, FILES)
  const client = await by(served, bob)
  await client.publish('b/x', '1')
  await t.rejects(client.publish('a/x', '1'), { code: 0x87 })
  await served.close()
})

await t.test('a list of revoked certificates, which may grow', async (t) => {
  const list = join(dirname(signer.path), 'crl.pem')
  writeFileSync(list, revoke(signer, []))
  const text = `${TLS}cafile ${signer.path}\nuse_identity_as_username true\ncrlfile ${list}`
  const served = await serveText(t, text, FILES)
  await t.resolves(by(served, bob))
  writeFileSync(list, revoke(signer, [bob]))
  served.reload(text)
  await t.rejects(by(served, bob), 'it is revoked')
  await t.resolves(by(served, ann), 'another one is not')
  writeFileSync(list, revoke(stranger, []))
  served.reload(text)
  await t.rejects(by(served, ann), 'a list of somebody else says nothing of it')
  writeFileSync(list, 'nonsense')
  served.reload(text)
  await eventually('a list that cannot be read is told', () => served.log().some((line) => line.includes('crlfile')))
  await served.close()
})

await t.test('dates of clients can be passed over, and nothing else', async (t) => {
  const served = await serveText(
    t,
    `${TLS}cafile ${signer.path}\nuse_identity_as_username true\ndisable_client_cert_date_checks true`,
    FILES,
  )
  await t.resolves(by(served, expired))
  await t.resolves(by(served, ann))
  await t.rejects(by(served, expiredEve), 'of somebody else, and expired: OpenSSL tells of the date alone')
  await t.rejects(by(served, eve))
  await t.rejects(by(served, undefined))
  await served.close()
})

await t.test('what TLS cannot be with stops the start, by the name of the option', async (t) => {
  for (const [options, message] of [
    ['ciphers nonsense', /ciphers: "nonsense" names no cipher of TLS 1\.2/],
    ['ciphers_tls1.3 nonsense', /ciphers_tls1\.3: "nonsense" is not a cipher of TLS 1\.3/],
    ['crlfile /nowhere', /crlfile: "\/nowhere" cannot be read/],
    [`capath ${server.cert}`, /capath: .* cannot be read/],
    [`keyfile ${ann.key}`, /keyfile: .* is not the key of the certificate in certfile/],
    [`certfile ${ann.key}`, /certfile: .* holds no PEM certificate/],
    ['tls_version tlsv1.1', /tls_version tlsv1\.1/],
  ] as const)
    await t.rejects(serveText(t, `${TLS}${options}`, FILES), { message }, options)
})

function by(served: Served, files: Files | undefined, credentials: { username?: string; password?: string } = {}) {
  const own = files && { cert: readFileSync(files.cert), key: readFileSync(files.key) }
  return connect(t, { mqttPort: 0, httpPort: 0 }, credentials, {
    url: `mqtts://127.0.0.1:${served.ports[0]}`,
    more: { ca: signer.ca, ...own },
  })
}

function issueBefore(by: Authority, name: string): Files {
  const folder = dirname(by.path)
  const files = { cert: join(folder, `${name}-before.pem`), key: by.issue(name).key }
  const config = configOf(by)
  const dates = ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z']
  openssl('ca', '-batch', '-config', config, ...dates, '-in', join(folder, `${name}.csr`), '-out', files.cert)
  return files
}

/** PEM of a list with these. */
function revoke(by: Authority, files: readonly Files[]): Buffer {
  const config = configOf(by)
  for (const { cert } of files) openssl('ca', '-config', config, '-revoke', cert)
  const list = join(dirname(by.path), 'list.pem')
  openssl('ca', '-config', config, '-gencrl', '-out', list)
  return readFileSync(list)
}

function configOf({ path }: Authority): string {
  const folder = dirname(path)
  const config = join(folder, 'ca.cnf')
  writeFileSync(join(folder, 'index.txt'), '')
  writeFileSync(join(folder, 'index.txt.attr'), 'unique_subject = no\n')
  writeFileSync(
    config,
    `[ca]
default_ca = own
[own]
database = ${folder}/index.txt
new_certs_dir = ${folder}
certificate = ${path}
private_key = ${folder}/ca.key
rand_serial = yes
default_md = sha256
default_crl_days = 2
policy = any
[any]
commonName = supplied
`,
  )
  return config
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' })
}
