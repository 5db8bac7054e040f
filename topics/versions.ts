/** Version selectors of broadcasts. */
import { LRUCache } from 'lru-cache'
import { Range, SemVer } from 'semver'
import { isVersion } from './names.ts'

export type VersionSelector =
  | { readonly kind: 'exact'; readonly version: string }
  | { readonly kind: 'range'; readonly range: string }
  | { readonly kind: 'all' }

/** Limits the cost of a range: each alternative (`||`) is tested with each version. */
const MAX_RANGE_LENGTH = 256
const MAX_ALTERNATIVES = 16
/** Numbers only, as many apps use: `7`, `2.1`. */
const SHORT_VERSION = /^(\d{1,16})(?:\.(\d{1,16}))?$/

/**
 * `*` matches all versions, even those that are not semver; anything else must be a semver range. Undefined if invalid.
 */
export function parseVersions(range: string): VersionSelector | undefined {
  const text = range.trim()
  if (text === '*') return { kind: 'all' }
  if (text.length === 0 || text.length > MAX_RANGE_LENGTH) return undefined
  if (text.split('||').length > MAX_ALTERNATIVES) return undefined
  return compileRange(text) === undefined ? undefined : { kind: 'range', range: text }
}

/** The text form: `=1.0`, `~>=2.1 <3`, `*`. */
export function encodeVersions(selector: VersionSelector): string {
  switch (selector.kind) {
    case 'exact':
      return `=${selector.version}`
    case 'range':
      return `~${selector.range}`
    case 'all':
      return '*'
  }
}

/** @throws TypeError when it is not the text of a version selector */
export function decodeVersions(text: string): VersionSelector {
  if (text === '*') return { kind: 'all' }
  if (text.startsWith('=') && isVersion(text.slice(1))) return { kind: 'exact', version: text.slice(1) }
  if (text.startsWith('~')) return { kind: 'range', range: text.slice(1) }
  throw new TypeError('not the text of a version selector')
}

/** Whether one selector matches a version. */
export type VersionTest = (version: string) => boolean

/** Cache sizes: ranges, answers per range, and parsed versions. */
const RANGES = 1_000
const ANSWERS = 256
const VERSIONS = 1_000

/** Costs in units of about a microsecond: parsing a range, and comparing a version, each for the first time. */
const READ_COST = 50
const COMPARE_COST = 2

/**
 * Answers which versions a selector matches, with a bounded cache.
 *
 * A range includes pre-releases in order (`2.2.0-beta.1` is within `>=2.1 <3`), because beta testers run the app too.
 * `2.1` counts as `2.1.0`. A version that is not semver is in no range.
 */
export class VersionTests {
  /** Units of work so far. */
  work = 0
  readonly #ranges = new LRUCache<string, VersionTest>({ max: RANGES })
  readonly #versions = new LRUCache<string, { readonly parsed: SemVer | undefined }>({ max: VERSIONS })

  test(selector: VersionSelector): VersionTest {
    if (selector.kind !== 'range') {
      this.work++
      return selector.kind === 'all' ? () => true : (version) => selector.version === version
    }
    const known = this.#ranges.get(selector.range)
    if (known !== undefined) return known
    const test = this.#testOf(selector.range)
    this.#ranges.set(selector.range, test)
    return test
  }

  #testOf(text: string): VersionTest {
    this.work += READ_COST
    const alternatives = alternativesOf(text)
    const cost = alternatives.length * COMPARE_COST
    const answers = new Map<string, boolean>()
    return (version) => {
      this.work++
      const known = answers.get(version)
      if (known !== undefined) return known
      this.work += cost
      const parsed = this.#parse(version)
      const answer = parsed !== undefined && alternatives.some((all) => all.every((compares) => compares(parsed)))
      if (answers.size >= ANSWERS) answers.clear()
      answers.set(version, answer)
      return answer
    }
  }

  #parse(version: string): SemVer | undefined {
    const known = this.#versions.get(version)
    if (known !== undefined) return known.parsed
    const parsed = parseVersion(version)
    this.#versions.set(version, { parsed })
    return parsed
  }
}

type Comparison = (version: SemVer) => boolean

/** A parsed range; the test of semver itself would parse each version of the range every time. */
function alternativesOf(text: string): Comparison[][] {
  return (compileRange(text)?.set ?? []).map((all) => all.map(comparisonOf))
}

function comparisonOf({ operator, semver }: Range['set'][number][number]): Comparison {
  // `*` within a range, which semver represents as a symbol instead of a version.
  if (!(semver instanceof SemVer)) return () => true
  switch (operator) {
    case '>':
      return (version) => version.compare(semver) > 0
    case '>=':
      return (version) => version.compare(semver) >= 0
    case '<':
      return (version) => version.compare(semver) < 0
    case '<=':
      return (version) => version.compare(semver) <= 0
    default:
      return (version) => version.compare(semver) === 0
  }
}

function compileRange(text: string): Range | undefined {
  try {
    return new Range(text, { includePrerelease: true })
  } catch {
    return undefined
  }
}

function parseVersion(version: string): SemVer | undefined {
  const short = SHORT_VERSION.exec(version)
  try {
    return new SemVer(short === null ? version : `${short[1] ?? 0}.${short[2] ?? 0}.0`)
  } catch {
    return undefined
  }
}
