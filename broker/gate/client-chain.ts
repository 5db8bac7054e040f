/**
 * Checks client certificates without regard to dates. OpenSSL reports one problem of a chain, and dates hide all
 * others; so if dates do not count, the chain is verified here.
 */
import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate } from 'node:tls'

const DATES = ['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'certificate has expired', 'certificate is not yet valid']
/** Certificates from that of the client to the root, at most. */
const LONGEST = 10
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const ANY_USE = '2.5.29.37.0'

export function isAboutDates(error: Error | string): boolean {
  const { code = '', message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { message: error }
  return DATES.includes(code) || DATES.includes(message)
}

/** Undefined: it leads to one of `authorities` that vouches for itself, and may be a client's. */
export function chainProblem(
  shown: DetailedPeerCertificate,
  authorities: readonly X509Certificate[],
  now = Date.now(),
): string | undefined {
  const [leaf, ...between] = chainOf(shown)
  if (leaf === undefined) return 'none was sent'
  // Called keyUsage by Node: the extended one.
  const uses: readonly string[] | undefined = leaf.keyUsage
  if (uses !== undefined && !uses.includes(CLIENT_AUTH) && !uses.includes(ANY_USE)) return 'it is not for clients'
  let current = leaf
  for (let length = 0; length < LONGEST; length++) {
    const trusted = authorities.find((each) => signs(each, current, now))
    if (trusted !== undefined && isSelfSigned(trusted)) return undefined
    const issuer = trusted ?? between.find((each) => signs(each, current, now))
    if (issuer === undefined || issuer === current) return 'it leads to no certificate that vouches for it'
    current = issuer
  }
  return 'its chain is too long'
}

function chainOf(shown: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = []
  const seen = new Set<DetailedPeerCertificate>()
  for (
    let each: DetailedPeerCertificate | undefined = shown;
    each?.raw !== undefined && !seen.has(each) && chain.length < LONGEST;
    each = each.issuerCertificate
  ) {
    seen.add(each)
    chain.push(new X509Certificate(each.raw))
  }
  return chain
}

/** Those between count with their dates: only clients are forgiven. */
function signs(issuer: X509Certificate, subject: X509Certificate, now: number): boolean {
  return (
    issuer.ca &&
    Date.parse(issuer.validFrom) <= now &&
    now <= Date.parse(issuer.validTo) &&
    subject.checkIssued(issuer) &&
    subject.verify(issuer.publicKey)
  )
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey)
}
