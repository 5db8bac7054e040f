/** Which versions of an app a broadcast is for. */
import { Range, SemVer } from 'semver'
import { isVersion } from './names.ts'

export type VersionSelector =
  | { readonly kind: 'exact'; readonly version: string }
  | { readonly kind: 'range'; readonly range: string }
  | { readonly kind: 'all' }

const MAX_RANGE_LENGTH = 256
/** Only numbers, as many apps count: `7`, `2.1`. */
const SHORT_VERSION = /^(\d{1,16})(?:\.(\d{1,16}))?$/

/** `*` is all, also for versions that are not semver; anything else a semver range. Undefined when it is neither. */
export function parseVersions(range: string): VersionSelector | undefined {
  const text = range.trim()
  if (text === '*') return { kind: 'all' }
  if (text.length === 0 || text.length > MAX_RANGE_LENGTH) return undefined
  return compileRange(text) === undefined ? undefined : { kind: 'range', range: text }
}

/** The text form of a selector, its name in the store: `=1.0`, `~>=2.1 <3`, `*`. */
export function encodeSelector(selector: VersionSelector): string {
  switch (selector.kind) {
    case 'exact':
      return `=${selector.version}`
    case 'range':
      return `~${selector.range}`
    case 'all':
      return '*'
  }
}

export function decodeSelector(text: string): VersionSelector {
  if (text === '*') return { kind: 'all' }
  if (text.startsWith('=') && isVersion(text.slice(1))) return { kind: 'exact', version: text.slice(1) }
  if (text.startsWith('~')) return { kind: 'range', range: text.slice(1) }
  throw new TypeError('not the text of a version selector')
}

/** Whether the selector takes this version; see `selectorTest` for how. */
export function selects(selector: VersionSelector, version: string): boolean {
  return selectorTest(selector)(version)
}

/**
 * The same for many versions: a range is compiled once.
 *
 * A range takes pre-releases in order (`2.2.0-beta.1` is within `>=2.1 <3`), since a beta tester runs the app too.
 * `2.1` counts as `2.1.0`. A version that is not semver is in no range.
 */
export function selectorTest(selector: VersionSelector): (version: string) => boolean {
  if (selector.kind === 'all') return () => true
  if (selector.kind === 'exact') return (version) => selector.version === version
  const range = compileRange(selector.range)
  return (version) => {
    const parsed = parseVersion(version)
    return range !== undefined && parsed !== undefined && range.test(parsed)
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
