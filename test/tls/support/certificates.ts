/** Certificates for tests: an authority, and what it vouches for. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder, type Scope } from '../../support/index.ts'

export interface Files {
  readonly cert: string
  readonly key: string
}

export interface Authority {
  /** The path of its certificate. */
  readonly path: string
  readonly ca: Buffer
  /** A certificate for `localhost` and 127.0.0.1 with this name, and its key. */
  issue(name: string, days?: number): Files
}

/** Files that a server uses, and a way to change what is in them. */
export function filesInUse(t: Scope, first: Files): { readonly inUse: Files; readonly use: (files: Files) => void } {
  const folder = temporaryFolder(t, 'in-use')
  const inUse: Files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const use = ({ cert, key }: Files) => {
    copyFileSync(cert, inUse.cert)
    copyFileSync(key, inUse.key)
  }
  use(first)
  return { inUse, use }
}

const openssl = (...args: string[]) => void execFileSync('openssl', args, { stdio: 'ignore' })
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export function authority(t: Scope, name = 'authority'): Authority {
  const folder = temporaryFolder(t, name)
  const at = (file: string) => join(folder, file)
  openssl('req', '-x509', ...KEY, '-days', '2', '-subj', `/CN=${name}`, '-keyout', at('ca.key'), '-out', at('ca.pem'))
  return {
    path: at('ca.pem'),
    ca: readFileSync(at('ca.pem')),
    issue(subject, days = 2) {
      const files = { cert: at(`${subject}.pem`), key: at(`${subject}.key`) }
      const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
      const request = at(`${subject}.csr`)
      openssl('req', ...KEY, '-subj', `/CN=${subject}`, ...names, '-keyout', files.key, '-out', request)
      const by = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-copy_extensions', 'copy']
      openssl('x509', '-req', '-in', request, ...by, '-days', String(days), '-out', files.cert)
      return files
    },
  }
}
