/** The file of identity providers: who may vouch for which accounts of which apps, with which keys. */
import { dirname, resolve } from 'node:path'
import { readNamedFile } from '../../common/private-files.ts'
import { isAppName, isName } from '../../topics/index.ts'
import { checkFields, isRecord } from '../fields.ts'
import { ASYMMETRIC_ALGORITHMS, type AsymmetricAlgorithm } from '../key-types.ts'

export interface IssuerEntry {
  readonly issuer: string
  readonly keys: { readonly uri: string } | { readonly file: string }
  readonly audience: string
  readonly algorithms: readonly AsymmetricAlgorithm[]
  /** The names of claims. */
  readonly claims: {
    readonly account: string
    /** Absent: the issuer has one app. */
    readonly app: string | undefined
    readonly tags: string | undefined
  }
  readonly apps: ReadonlySet<string>
  /** Before each of its accounts. */
  readonly accountPrefix: string
}

const FIELDS = ['issuer', 'jwksUri', 'keysFile', 'audience', 'algorithms', 'claims', 'apps', 'accountPrefix']
const MAX_TEXT = 512
const CONTROL = /[\u0000-\u001f\u007f]/

/**
 * `[{"issuer", "jwksUri" | "keysFile", "audience", "algorithms": [...], "claims": {"account", "app"?, "tags"?},
 * "apps": [...], "accountPrefix"?}]`, and nothing else in it. A `keysFile` is looked for beside it.
 * @throws Error that names the file and the field, and quotes none of its values
 */
export async function loadEntries(path: string, ownIssuer: string): Promise<IssuerEntry[]> {
  const text = await readNamedFile(path)
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    // The message of JSON.parse quotes the text.
    throw new Error(`${path}: not JSON`)
  }
  if (!Array.isArray(content)) throw new Error(`${path} must be a list of issuers`)
  const entries = content.map((entry: unknown, index) => parseEntry(entry, `${path}[${index}]`, dirname(path)))
  checkTogether(entries, path, ownIssuer)
  return entries
}

function parseEntry(entry: unknown, where: string, directory: string): IssuerEntry {
  if (!isRecord(entry)) throw new Error(`${where} must be an object with ${FIELDS.join(', ')}`)
  checkFields(entry, FIELDS, where)
  const { accountPrefix = '' } = entry
  if (typeof accountPrefix !== 'string' || (accountPrefix !== '' && !isName(accountPrefix)))
    throw new Error(
      `${where}.accountPrefix must be the beginning of a name: no control characters, \`/\`, \`+\`, \`#\``,
    )
  const claims = parseClaimNames(entry['claims'], `${where}.claims`)
  const apps = parseApps(entry['apps'], `${where}.apps`)
  if (claims.app === undefined && apps.size > 1)
    throw new Error(`${where}.claims.app is missing: with several apps, a claim has to say for which a token is`)
  return {
    issuer: parseText(entry['issuer'], `${where}.issuer`),
    keys: parseKeyPlace(entry, where, directory),
    audience: parseText(entry['audience'], `${where}.audience`),
    algorithms: parseAlgorithms(entry['algorithms'], `${where}.algorithms`),
    claims,
    apps,
    accountPrefix,
  }
}

function parseText(value: unknown, where: string): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_TEXT || CONTROL.test(value))
    throw new Error(`${where} must be a text of 1 to ${MAX_TEXT} characters`)
  return value
}

function parseAlgorithms(value: unknown, where: string): AsymmetricAlgorithm[] {
  const names: unknown[] = Array.isArray(value) ? value : []
  const algorithms = ASYMMETRIC_ALGORITHMS.filter((algorithm) => names.includes(algorithm))
  if (names.length === 0 || algorithms.length !== names.length)
    throw new Error(`${where} must be a list of ${ASYMMETRIC_ALGORITHMS.join(', ')}, each once`)
  return algorithms
}

function parseClaimNames(value: unknown, where: string): IssuerEntry['claims'] {
  if (!isRecord(value)) throw new Error(`${where} must be an object with account, and where there are, app and tags`)
  checkFields(value, ['account', 'app', 'tags'], where)
  const optional = (name: string) =>
    value[name] === undefined ? undefined : parseText(value[name], `${where}.${name}`)
  return { account: parseText(value['account'], `${where}.account`), app: optional('app'), tags: optional('tags') }
}

function parseApps(value: unknown, where: string): ReadonlySet<string> {
  const names: unknown[] = Array.isArray(value) ? value : []
  const apps = names.filter((app): app is string => typeof app === 'string' && isAppName(app))
  if (apps.length === 0 || apps.length !== names.length) throw new Error(`${where} must be a list of names of apps`)
  return new Set(apps)
}

function parseKeyPlace(entry: Record<string, unknown>, where: string, directory: string): IssuerEntry['keys'] {
  const { jwksUri, keysFile } = entry
  if ((jwksUri === undefined) === (keysFile === undefined))
    throw new Error(`${where} must have one of jwksUri and keysFile`)
  if (jwksUri === undefined) return { file: resolve(directory, parseText(keysFile, `${where}.keysFile`)) }
  const uri = parseText(jwksUri, `${where}.jwksUri`)
  if (!mayBeFetched(uri))
    throw new Error(`${where}.jwksUri must be an https URL without user and password; http is for this machine alone`)
  return { uri }
}

function mayBeFetched(uri: string): boolean {
  if (!URL.canParse(uri)) return false
  const { protocol, hostname, username, password } = new URL(uri)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))
}

/** As `URL` writes them: all forms of an IPv4 address are one. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

/** @throws Error where a token could be taken for somebody else's */
function checkTogether(entries: readonly IssuerEntry[], path: string, ownIssuer: string): void {
  for (const [index, entry] of entries.entries()) {
    const where = `${path}[${index}]`
    if (entry.issuer === ownIssuer)
      throw new Error(`${where}.issuer is the issuer of message tokens here (PUSH_TOKEN_ISSUER); they vouch for nobody`)
    for (const [earlier, other] of entries.slice(0, index).entries()) {
      if (other.issuer === entry.issuer) throw new Error(`${where}.issuer is that of ${path}[${earlier}] already`)
      if (sharesAccounts(entry, other))
        throw new Error(
          `${where}.accountPrefix: it shares an app with ${path}[${earlier}]; both need one, and neither may begin with the other`,
        )
    }
  }
}

/** An account of one could be written as one of the other. */
function sharesAccounts(one: IssuerEntry, other: IssuerEntry): boolean {
  const [a, b] = [one.accountPrefix, other.accountPrefix]
  return [...one.apps].some((app) => other.apps.has(app)) && (a.startsWith(b) || b.startsWith(a))
}
