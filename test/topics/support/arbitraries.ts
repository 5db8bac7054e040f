/** Names and principals for property tests: few characters, so that what could collide does so often. */
import fc from 'fast-check'
import type { Device, Provider, TagSelector, Triple } from '../../../topics/index.ts'
import { accountMark, ALL_SCOPES, isAppName, isName, isTag, isVersion, tokenId } from '../../../topics/index.ts'

export const KEY = Buffer.alloc(32, 0x5a)

const UNITS = [
  'a',
  'b',
  't',
  'u',
  '1',
  '.',
  '-',
  '_',
  ' ',
  '$',
  '%',
  '=',
  '*',
  '~',
  'é',
  'e\u0301',
  'ß',
  '漢',
  '𝄞',
  '\u200d',
  '\ufeff',
]
const VERSION_UNITS = [...UNITS, '+', '#', '/', '%2B', '%2b', '%25', '%2F']
/** What no name may hold, besides. */
const HOSTILE_UNITS = [...VERSION_UNITS, '\u0000', '\n', '\u007f', '\u009f', '\ud834', '\udd1e']

const text = (units: string[], maxLength: number) =>
  fc.oneof(
    { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom(...units), minLength: 1, maxLength }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }) },
  )

export const name = text(UNITS, 4).filter(isName)
export const appName = text(UNITS, 3).filter(isAppName)
export const account = fc.oneof({ weight: 3, arbitrary: name }, { weight: 1, arbitrary: fc.constant('') })
export const version = fc.oneof(
  text(VERSION_UNITS, 4).filter(isVersion),
  fc.constantFrom('t', 'u', '+', '#', '1.0.0+b7', '2.1', '7', '1.0.0-rc.1'),
)
/** Few, so that they meet, and some that are written with care in JSON. */
export const tag = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'A', 'constructor', '__proto__') },
  { weight: 1, arbitrary: text([...VERSION_UNITS, '"', '\\', ',', ']', '}', ':'], 4).filter(isTag) },
)
const tagList = fc.option(fc.array(tag, { minLength: 1, maxLength: 16 }), { nil: undefined })
export const tagSelector: fc.Arbitrary<TagSelector> = fc
  .record({ any: tagList, all: tagList, none: tagList })
  .filter(({ any, all, none }) => (any ?? all ?? none) !== undefined)
/** Anything, allowed or not. */
export const anyText = fc.oneof(
  fc.string({ unit: fc.constantFrom(...HOSTILE_UNITS), maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
)

export const triple: fc.Arbitrary<Triple> = fc.record({ app: appName, device: name, account })

export function deviceOf(of: Triple, ofVersion?: string): Device {
  const versioned = ofVersion === undefined ? {} : { version: ofVersion }
  const id = tokenId(KEY, of)
  return {
    kind: 'device',
    ...of,
    ...versioned,
    tokenId: id,
    kid: 'key-1',
    accountMark: accountMark(KEY, of.app, of.account),
    generation: 1,
    issuedAt: 0,
    expiresAt: Number.MAX_SAFE_INTEGER,
    renewUntil: 0,
    epochs: [0, 0],
  }
}

export const provider: fc.Arbitrary<Provider> = fc
  .uniqueArray(appName, { maxLength: 2 })
  .map((apps) => ({ kind: 'provider', name: 'back end', apps: new Set(apps), scopes: ALL_SCOPES }))

const LEVELS = ['t', 'u', '+', '#', '', '$share', '$SYS', 'x']

/** Topics and filters made of the levels that mean something to a test, once it says which. */
export const levelsOf: fc.Arbitrary<(words: readonly string[]) => string> = fc
  .array(fc.nat({ max: 1_000 }), { minLength: 1, maxLength: 5 })
  .map((picks) => (words) => {
    const levels = [...words, ...LEVELS]
    return picks.map((pick) => levels[pick % levels.length]).join('/')
  })

export function sameTriple(one: Triple, other: Triple): boolean {
  return one.app === other.app && one.device === other.device && one.account === other.account
}
