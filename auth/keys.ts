/** The keys of message tokens: how they are made, and where they are kept. */
import { createPrivateKey, createPublicKey, generateKeyPair, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { readNamedFile } from '../common/private-files.ts'
import { checkFields, isRecord } from './fields.ts'
import { fits, requirementOf } from './key-types.ts'
import { knownSecret, type Secrets } from './secrets.ts'

export const ALGORITHMS = ['HS256', 'EdDSA', 'ES256', 'RS256'] as const
export type Algorithm = (typeof ALGORITHMS)[number]

/** A source of random bytes that a test can replace. */
export type RandomBytes = (size: number) => Buffer

export interface RingKey {
  /** Its name in the JWT header (RFC 7515 section 4.1.4). */
  readonly kid: string
  readonly algorithm: Algorithm
  /** HS256: the secret. Otherwise the private key, PKCS#8 PEM. */
  readonly signingKey: Buffer
  /** HS256: the secret. Otherwise the public key, SPKI PEM. */
  readonly verifyingKey: Buffer
}

/** What a key file holds. */
export interface KeyFile {
  /** The first one signs. */
  readonly keys: readonly [RingKey, ...RingKey[]]
  /** Absent: the one of the secrets is used. */
  readonly tokenIdKey?: Buffer
}

const FILE_VERSION = 1
const KID = /^[A-Za-z0-9_-]{1,64}$/
const BASE64URL = /^[A-Za-z0-9_-]+$/
const SECRET_BYTES = 32
const KID_BYTES = 9
const RSA_BITS = 2048
const TOKEN_ID_KEY = 'token-id.key'

/** The secret that holds the generated key of an algorithm. */
function secretName(algorithm: Algorithm): string {
  return `signing-key-${algorithm}.json`
}

/** The names of all secrets on which issued tokens and token ids depend. */
export const TOKEN_SECRETS: readonly string[] = [TOKEN_ID_KEY, ...ALGORITHMS.map(secretName)]

/**
 * The keys of the secrets, one per algorithm. The first is of `algorithm`, and is generated if there is none; keys of
 * other algorithms still verify, so that changing the algorithm invalidates no token.
 */
export async function secretKeys(
  secrets: Secrets,
  algorithm: Algorithm,
  random: RandomBytes,
): Promise<[RingKey, ...RingKey[]]> {
  const name = secretName(algorithm)
  const [signing] = parseKeyFile(await secrets.secret(name, () => createKeyFile(algorithm, random)), name).keys
  const previous = await Promise.all(
    ALGORITHMS.filter((other) => other !== algorithm).map((other) => existingKey(secrets, other)),
  )
  return [signing, ...previous.filter((key) => key !== undefined)]
}

/** The key under which token ids are hashed. It never changes: a new one would cut every device off from its log. */
export async function tokenIdKey(secrets: Secrets, random: RandomBytes): Promise<Buffer> {
  const text = await secrets.secret(TOKEN_ID_KEY, () => random(SECRET_BYTES).toString('base64url'))
  return decodeSecret(text, TOKEN_ID_KEY)
}

/**
 * Keys that an operator gives by file, in the format of `parseKeyFile`. They are then the only ones that verify. A key
 * that is added to the file is found while running, one that is removed stops verifying with the next start.
 * @throws Error that names the file and the field, and never holds key material
 */
export async function loadKeysFromFile(path: string): Promise<KeyFile> {
  return parseKeyFile(await readNamedFile(path), path)
}

/**
 * A key file is JSON: `{"version": 1, "tokenIdKey"?: <base64url, 32 bytes or more>, "keys": [...]}`. Each key is
 * `{"kid", "alg": "HS256", "secret": <base64url, 32 bytes or more>}`, or
 * `{"kid", "alg": "EdDSA" | "ES256" | "RS256", "privateKey": <PKCS#8 PEM>}`. Nothing else may be in it.
 */
function parseKeyFile(text: string, source: string): KeyFile {
  const file = parseJson(text, source)
  if (file['version'] !== FILE_VERSION) throw new Error(`${source}: version must be ${FILE_VERSION}`)
  checkFields(file, ['version', 'tokenIdKey', 'keys'], source)
  const entries: unknown = file['keys']
  if (!Array.isArray(entries)) throw new Error(`${source}: keys must be a list`)
  const [first, ...others] = entries.map((entry: unknown, index) => parseKey(entry, `${source}: keys[${index}]`))
  if (first === undefined) throw new Error(`${source}: keys must hold at least one key`)
  const keys: [RingKey, ...RingKey[]] = [first, ...others]
  if (new Set(keys.map(({ kid }) => kid)).size !== keys.length) throw new Error(`${source}: two keys have the same kid`)
  if (file['tokenIdKey'] === undefined) return { keys }
  return { keys, tokenIdKey: decodeSecret(file['tokenIdKey'], `${source}: tokenIdKey`) }
}

/** A new key, as the text of a key file. */
export function createKeyFile(algorithm: Algorithm, random: RandomBytes): string {
  const key = makeKey(algorithm, random)
  return JSON.stringify({ version: FILE_VERSION, keys: [{ kid: key.kid, alg: algorithm, ...keyMaterial(key) }] })
}

export function makeKey(algorithm: Algorithm, random: RandomBytes): RingKey {
  const kid = makeKid(random)
  if (algorithm !== 'HS256') return asymmetricKey(kid, algorithm, generatePrivateKey(algorithm))
  const secret = random(SECRET_BYTES)
  return { kid, algorithm, signingKey: secret, verifyingKey: secret }
}

/** Without holding up everybody else: an RSA key takes a tenth of a second and more. */
export async function makeKeyAside(algorithm: Algorithm, random: RandomBytes): Promise<RingKey> {
  if (algorithm !== 'RS256') return makeKey(algorithm, random)
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })
  return asymmetricKey(makeKid(random), algorithm, privateKey)
}

/** On a command line, one with a "-" at the start would be an option. */
function makeKid(random: RandomBytes): string {
  return random(KID_BYTES).toString('base64url').replace(/^-/, 'A')
}

/** What is secret of a key, as a key file has it. */
export function keyMaterial({ algorithm, signingKey }: RingKey): Record<string, string> {
  if (algorithm === 'HS256') return { secret: signingKey.toString('base64url') }
  return { privateKey: signingKey.toString('utf8') }
}

function generatePrivateKey(algorithm: Exclude<Algorithm, 'HS256'>): KeyObject {
  switch (algorithm) {
    case 'EdDSA':
      return generateKeyPairSync('ed25519').privateKey
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: RSA_BITS }).privateKey
  }
}

/** The key of an existing secret; undefined if there is none. */
export async function existingKey(secrets: Secrets, algorithm: Algorithm): Promise<RingKey | undefined> {
  const name = secretName(algorithm)
  const text = await knownSecret(secrets, name)
  return text === undefined ? undefined : parseKeyFile(text, name).keys[0]
}

/** @throws Error that begins with `where`, and never holds key material */
export function parseKey(entry: unknown, where: string): RingKey {
  if (!isRecord(entry)) throw new Error(`${where} must be an object`)
  const { kid, alg } = entry
  if (typeof kid !== 'string' || !KID.test(kid)) throw new Error(`${where}.kid must be 1 to 64 of A-Z a-z 0-9 _ -`)
  const algorithm = ALGORITHMS.find((known) => known === alg)
  if (algorithm === undefined) throw new Error(`${where}.alg must be one of ${ALGORITHMS.join(', ')}`)
  checkFields(entry, ['kid', 'alg', algorithm === 'HS256' ? 'secret' : 'privateKey'], where)
  if (algorithm === 'HS256') {
    const secret = decodeSecret(entry['secret'], `${where}.secret`)
    return { kid, algorithm, signingKey: secret, verifyingKey: secret }
  }
  return asymmetricKey(kid, algorithm, readPrivateKey(entry['privateKey'], algorithm, `${where}.privateKey`))
}

function asymmetricKey(kid: string, algorithm: Algorithm, privateKey: KeyObject): RingKey {
  return {
    kid,
    algorithm,
    signingKey: Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    verifyingKey: Buffer.from(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })),
  }
}

function readPrivateKey(pem: unknown, algorithm: Exclude<Algorithm, 'HS256'>, where: string): KeyObject {
  let key: KeyObject | undefined
  try {
    if (typeof pem === 'string') key = createPrivateKey(pem)
  } catch {
    // What OpenSSL says of a broken key helps nobody; the sentence below does.
  }
  if (key === undefined) throw new Error(`${where} must be a private key, PKCS#8 PEM without a password`)
  if (!fits(key, algorithm)) throw new Error(`${where} must be ${requirementOf(algorithm)} for ${algorithm}`)
  return key
}

function decodeSecret(text: unknown, where: string): Buffer {
  const secret = typeof text === 'string' && BASE64URL.test(text) ? Buffer.from(text, 'base64url') : Buffer.alloc(0)
  if (secret.length < SECRET_BYTES) throw new Error(`${where} must be base64url of at least ${SECRET_BYTES} bytes`)
  return secret
}

function parseJson(text: string, source: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The message of JSON.parse quotes the text, which is a key.
  }
  if (!isRecord(value)) throw new Error(`${source}: not a JSON object`)
  return value
}
